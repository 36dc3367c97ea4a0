// Whether this process still moves, as the kernel sees it: no part of the program has to report for that.
#pragma once

namespace ptychoflow::comm {

/// Taken again and again by one thread, which does not count itself. Signs of life are that the main thread has been
/// scheduled, or that the process has used more than a tenth of a core: a long step, however long, is full of them, and
/// a thread in one call that never returns gives none. Where the kernel does not tell, all is taken to be well.
class Pulse {
 public:
  /// To be called every now and then.
  void take();

  double stalled_s() const { return stalled_s_; }  ///< since the last sign of life
  bool on_file() const { return on_file_; }        ///< the main thread waits for a file or its disk, local or not

 private:
  double taken_s_ = 0;  // steady clock
  double cpu_s_ = 0;
  long long slices_ = -1;  // of time that the main thread has been given
  double stalled_s_ = 0;
  bool on_file_ = false;
};

}  // namespace ptychoflow::comm
