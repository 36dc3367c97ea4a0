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

template <class T>
inline void add_planar(Planar<T> a, Index y, Index lane, Complex<Vector<T>> v) {
  T *const re = a.re + y * a.step + lane, *const im = a.im + y * a.step + lane;
  store(re, load(re) + v.re);
  store(im, load(im) + v.im);
}

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
void reflect(T* wave, const T* p, Planar<const T> o, const T* psi, Index rows) {
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    store_row(wave + at, op::reflected_wave(load_row(p + at), load_planar(o, y, lane), load_row(psi + at)));
  });
}

template <class T>
double total(Vector<T> v) {
  double sum = 0;
  for (Index l = 0; l < Registers<T>::lanes; ++l) sum += static_cast<double>(v[l]);
  return sum;
}

template <class T>
ChangeSums update(T* psi, const T* replaced, const T* p, Planar<const T> o, T beta, T slack, Planar<T> sum,
                  Index rows) {
  using V = Vector<T>;
  const V step_size = V{} + beta, keep = V{} + slack;
  V change{}, size{};
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    const Complex<V> old = load_row<T>(psi + at), pv = load_row(p + at), ov = load_planar(o, y, lane);
    const Complex<V> projected = op::projected_wave(op::reflected_wave(pv, ov, old), load_row(replaced + at), keep);
    const Complex<V> step = op::exit_wave_step(projected, pv, ov, step_size);
    const Complex<V> updated = old + step;
    store_row(psi + at, updated);
    change += norm(step);
    size += norm(updated);
    if (sum.re) add_planar(sum, y, lane, op::overlap_term(pv, updated));
  });
  return {total<T>(change), total<T>(size)};
}

template <class T>
void add_overlap_term(Planar<T> sum, Planar<const T> a, const T* psi, Index rows) {
  for_registers<T>(rows, [&](Index y, Index lane, Index at) {
    add_planar(sum, y, lane, op::overlap_term(load_planar(a, y, lane), load_row(psi + at)));
  });
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
  T misfit[strip_lanes<T>] = {}, intensity[strip_lanes<T>] = {}, pixels[strip_lanes<T>] = {};
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
    }
  }
  Deviation sum;
  for (Index l = 0; l < strip_lanes<T>; ++l) {
    sum += {{static_cast<double>(misfit[l]), static_cast<double>(intensity[l])}, static_cast<double>(pixels[l])};
  }
  return sum;
}

template <class T>
void modulus_factor(T* model, const T* measured, const Index* order, T scale, Index rows) {
  for (Index y = 0; y < rows; ++y) {
    T* const __restrict m = model + y * strip_lanes<T>;
    const T* const __restrict a = measured + order[y] * strip_lanes<T>;
#pragma omp simd
    for (Index l = 0; l < strip_lanes<T>; ++l) m[l] = scale * op::modulus_factor(m[l], a[l]);
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
  return {multiply<T>, reflect<T>, update<T>,         add_overlap_term<T>,
          add_norm<T>, compare<T>, modulus_factor<T>, scale<T>};
}
