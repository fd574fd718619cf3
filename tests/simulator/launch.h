// What the engine (compiled once) and a kernel's shared object say to each other; no includes.
#pragma once

struct gasim_dim3 { unsigned x, y, z; };

// Number t of those that a shape has, x running fastest.
inline void gasim_place(gasim_dim3& place, unsigned t, const gasim_dim3& shape) {
  place.x = t % shape.x;
  place.y = t / shape.x % shape.y;
  place.z = t / shape.x / shape.y;
}

enum gasim_barrier_kind { GASIM_BARRIER, GASIM_BARRIER_OR, GASIM_BARRIER_AND, GASIM_BARRIER_COUNT };

enum gasim_warp_kind {
  GASIM_SYNC, GASIM_SHFL, GASIM_SHFL_UP, GASIM_SHFL_DOWN, GASIM_SHFL_XOR,
  GASIM_BALLOT, GASIM_ANY, GASIM_ALL, GASIM_MATCH_ANY,
  GASIM_REDUCE_ADD, GASIM_REDUCE_MIN, GASIM_REDUCE_MAX, GASIM_REDUCE_MIN_SIGNED,
  GASIM_REDUCE_MAX_SIGNED, GASIM_REDUCE_AND, GASIM_REDUCE_OR, GASIM_REDUCE_XOR
};

// What the engine offers to a running kernel.  `line` is the source line, for messages.
struct gasim_engine {
  unsigned (*barrier)(int kind, unsigned predicate, int line);
  unsigned long long (*warp)(int kind, unsigned mask, unsigned long long value, unsigned operand,
                             unsigned width, int line);
  unsigned (*active)();
  void (*yield)();
  void (*trap)(const char* why, int line);
};

// What a kernel's shared object shows to the engine and to Python.
struct gasim_module {
  unsigned long long argument_bytes;
  unsigned long long shared_bytes;  // static shared memory, and 64 bytes that are always there
  void (*thread)(const void* arguments);              // the thread that thread_index names
  void (*block)(const void* arguments, unsigned threads, unsigned first, unsigned step);
  gasim_dim3 *thread_index, *block_index, *block_dim, *grid_dim;
  const gasim_engine** engine;
  unsigned char* shared;
  unsigned char* dynamic;
  unsigned long long dynamic_capacity;
  int needs_fibers;
};
