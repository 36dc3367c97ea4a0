// The loops of strips.cpp, compiled by core/device/simd_loops.hpp for each instruction set. Hence no #pragma once.

template <class T>
inline Complex<Vector<T>> load_row(const T* row) {
  return {load(row), load(row + strip_lanes<T>)};
}

template <class T>
inline void store_row(T* row, Complex<Vector<T>> v) {
  store(row, v.re);
  store(row + strip_lanes<T>, v.im);
}

template <class T>
inline Complex<Vector<T>> load_planar(Planar<const T> a, Index y, Index lane) {
  return {load(a.re + y * a.step + lane), load(a.im + y * a.step + lane)};
}

/// Adds terms to a sum of numbers as they are.
template <class T>
struct Adder {
  using Number = T;
  Planar<T> to;

  explicit Adder(const Sum<T>& sum) : to(sum.to) {}
  void add(Index y, Index lane, Complex<Vector<T>> term) {
    T *const re = to.re + y * to.step + lane, *const im = to.im + y * to.step + lane;
    store(re, load(re) + term.re);
    store(im, load(im) + term.im);
  }
  void end() {}
};

/// Adds terms that are rounded to whole numbers.
template <class T>
struct WholeAdder {
  using Number = std::int64_t;
  static constexpr Index lanes = Registers<double>::lanes;
  using Doubles = Vector<double>;
  using Wholes = Vector<std::int64_t>;
  static constexpr double shift = 0x1.8p52;  // a double this large has whole numbers in its last places

  Planar<std::int64_t> to;
  double scale;
  double* largest;
  Doubles most{};

  explicit WholeAdder(const WholeSum& sum) : to(sum.to), scale(sum.scale), largest(sum.largest) {}

  void add(Index y, Index lane, Complex<Vector<T>> term) {
    add_part(to.re + y * to.step + lane, term.re);
    add_part(to.im + y * to.step + lane, term.im);
  }
  void end() {
    for (Index l = 0; l < lanes; ++l) *largest = most[l] > *largest ? most[l] : *largest;
  }

 private:
  void add_part(std::int64_t* sum, Vector<T> term) {
    T numbers[Registers<T>::lanes];
    store(numbers, term);
    for (Index i = 0; i < Registers<T>::lanes; i += lanes) {
      Doubles scaled;
      for (Index l = 0; l < lanes; ++l) scaled[l] = static_cast<double>(numbers[i + l]);
      scaled *= scale;
      const Doubles size = scaled < 0 ? -scaled : scaled;
      most = size > most ? size : most;
      const Doubles shifted = scaled + shift;
      const Wholes bits = reinterpret_cast<Wholes>(shifted), zero = reinterpret_cast<Wholes>(Doubles{} + shift);
      store(sum + i, load(sum + i) + (bits - zero));
    }
  }
};

/// Calls body(row, lane, place in a strip) for each register of a strip.
template <class T, class Body>
inline void for_registers(Index rows, const Body& body) {
  for (Index y = 0; y < rows; ++y) {
#pragma GCC unroll 4
    for (Index lane = 0; lane < strip_lanes<T>; lane += Registers<T>::lanes) body(y, lane, y * strip_row<T> + lane);
  }
}

template <class T>
void multiply(T* wave, const T* p, Planar<const T> o, Index rows) {
  for_registers<T>(
      rows, [&](Index y, Index lane, Index at) { store_row(wave + at, load_row(p + at) * load_planar(o, y, lane)); });
}

template <class T>
double total(Vector<T> v) {
  double sum = 0;
  for (Index l = 0; l < Registers<T>::lanes; ++l) sum += static_cast<double>(v[l]);
  return sum;
}

template <class T>
double reflect(T* wave, const T* p, Planar<const T> o, const T* psi, Index rows) {
  Vector<T> step{};
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    const Complex<Vector<T>> po = load_row(p + at) * load_planar(o, y, lane), old = load_row(psi + at);
    store_row(wave + at, op::reflected_wave(po, old));
    step += op::step_when_reflected(po, old);
  });
  return total<T>(step);
}

template <bool relaxed, class T, class Into>
inline ChangeSums update_and_add(T* psi, const T* delta, const T* p, Planar<const T> o, T beta, T pull, Into sum,
                                 Index rows) {
  using V = Vector<T>;
  const V step_size = V{} + beta, pulled = V{} + pull;
  V change{}, size{};
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    const Complex<V> pv = load_row(p + at), po = pv * load_planar(o, y, lane), d = pulled * load_row(delta + at);
    Complex<V> updated = po + d;
    if constexpr (relaxed) updated = op::updated_exit_wave(load_row<T>(psi + at), updated, step_size);
    store_row(psi + at, updated);
    change += op::step_when_updated(po, d);
    size += norm(updated);
    if (sum.to.re) sum.add(y, lane, op::overlap_term(pv, updated));
  });
  if (sum.to.re) sum.end();
  return {total<T>(change), total<T>(size)};
}

template <class T>
ChangeSums update(T* psi, const T* delta, const T* p, Planar<const T> o, T beta, T pull, Sum<T> sum, Index rows) {
  return beta == 1 ? update_and_add<false>(psi, delta, p, o, beta, pull, Adder<T>(sum), rows)
                   : update_and_add<true>(psi, delta, p, o, beta, pull, Adder<T>(sum), rows);
}

template <class T>
ChangeSums update_whole(T* psi, const T* delta, const T* p, Planar<const T> o, T beta, T pull, WholeSum sum,
                        Index rows) {
  return beta == 1 ? update_and_add<false>(psi, delta, p, o, beta, pull, WholeAdder<T>(sum), rows)
                   : update_and_add<true>(psi, delta, p, o, beta, pull, WholeAdder<T>(sum), rows);
}

template <class T, class Into>
inline void add_terms(Into sum, Planar<const T> a, const T* psi, Index rows) {
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    sum.add(y, lane, op::overlap_term(load_planar(a, y, lane), load_row(psi + at)));
  });
  sum.end();
}

template <class T>
void add_overlap_term(Sum<T> sum, Planar<const T> a, const T* psi, Index rows) {
  add_terms(Adder<T>(sum), a, psi, rows);
}

template <class T>
void add_whole_overlap_term(WholeSum sum, Planar<const T> a, const T* psi, Index rows) {
  add_terms(WholeAdder<T>(sum), a, psi, rows);
}

template <class T>
void add_norm(T* sum, const T* wave, Index rows) {
  for (Index y = 0; y < rows; ++y, sum += strip_lanes<T>, wave += strip_row<T>) {
    for (Index lane = 0; lane < strip_lanes<T>; lane += Registers<T>::lanes) {
      store(sum + lane, load(sum + lane) + norm(load_row<T>(wave + lane)));
    }
  }
}

template <class T>
Deviation compare(T* model, const T* measured, const Index* order, T scale, Index rows) {
  T misfit[strip_lanes<T>] = {}, intensity[strip_lanes<T>] = {}, pixels[strip_lanes<T>] = {}, step[strip_lanes<T>] = {};
  for (Index y = 0; y < rows; ++y) {
    T* const __restrict m = model + y * strip_lanes<T>;
    const T* const __restrict a = measured + order[y] * strip_lanes<T>;
#pragma omp simd
    for (Index l = 0; l < strip_lanes<T>; ++l) {
      m[l] = std::sqrt(m[l]) * scale;
      const T good = a[l] >= 0 ? T(1) : T(0);
      misfit[l] += good * (m[l] - a[l]) * (m[l] - a[l]);
      intensity[l] += good * a[l] * a[l];
      pixels[l] += good;
      step[l] += op::step_at_detector(m[l], a[l]);
    }
  }
  Deviation sum;
  for (Index l = 0; l < strip_lanes<T>; ++l) {
    sum += {{static_cast<double>(misfit[l]), static_cast<double>(intensity[l])},
            static_cast<double>(pixels[l]),
            static_cast<double>(step[l])};
  }
  return sum;
}

template <class T>
void modulus_change(T* model, const T* measured, const Index* order, T scale, Index rows) {
  for (Index y = 0; y < rows; ++y) {
    T* const __restrict m = model + y * strip_lanes<T>;
    const T* const __restrict a = measured + order[y] * strip_lanes<T>;
#pragma omp simd
    for (Index l = 0; l < strip_lanes<T>; ++l) m[l] = scale * op::modulus_change(m[l], a[l]);
  }
}

template <class T>
void scale(T* wave, const T* factor, Index rows) {
  for (Index y = 0; y < rows; ++y, factor += strip_lanes<T>, wave += strip_row<T>) {
    for (Index lane = 0; lane < strip_lanes<T>; lane += Registers<T>::lanes) {
      store_row(wave + lane, load(factor + lane) * load_row<T>(wave + lane));
    }
  }
}

template <class T>
Loops<T> loops() {
  return {multiply<T>, reflect<T>, update<T>,         update_whole<T>, add_overlap_term<T>, add_whole_overlap_term<T>,
          add_norm<T>, compare<T>, modulus_change<T>, scale<T>};
}
