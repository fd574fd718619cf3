// The part of the simulator that is compiled once: threads as fibers, warp functions, barriers,
// faults turned into messages, and guarded memory.  Python calls the gasim_* functions at the end.
//
// A block's threads run one at a time, each until it meets a barrier or a warp function.  A warp
// runs as far as it can before the next one starts, warps and lanes in an order drawn from the
// seed: code that lacks a barrier sees values that are too old or too new.
#ifdef __APPLE__
#define _XOPEN_SOURCE 700  // ucontext.h asks for it
#define _DARWIN_C_SOURCE
#endif
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launch.h"

typedef unsigned long long u64;

#if defined(__x86_64__) && defined(__ELF__) && !GASIM_UCONTEXT
#define GASIM_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

namespace {

constexpr unsigned max_threads = 1024;
constexpr size_t stack_bytes = 128 * 1024;
constexpr unsigned char poison = 0xff;
constexpr unsigned char zone = 0xfb;  // behind dynamic shared memory
constexpr size_t zone_bytes = 1024;
constexpr unsigned patience = 100000;  // rounds in which every waiting thread only slept

enum State { READY, AT_BARRIER, AT_WARP, EXITED };

#ifdef GASIM_OWN_SWITCH
typedef void* Context;
extern "C" void gasim_switch(void** save, void* resume);
// The registers that a call preserves, then the stack pointer.  A thread's turn, there and back,
// takes 31 ns with this and 415 with swapcontext, which calls the kernel for the signal mask.
__asm__(
    ".text\n.hidden gasim_switch\n.globl gasim_switch\n.type gasim_switch,@function\n"
    "gasim_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
    ".size gasim_switch, .-gasim_switch\n");
#else
typedef ucontext_t Context;
#endif

struct Fiber {
  Context context;
  State state;
  int kind, line;  // of the barrier or warp function that it waits in
  unsigned mask, operand, width;
  u64 value, result;
};

Fiber fibers[max_threads];
unsigned char* stacks;
size_t stack_stride;
Context host;
unsigned current, threads, exited;
unsigned exited_lanes[max_threads / 32];
const gasim_module* module;
const void* arguments;
u64 random_state;

sigjmp_buf escape;
volatile sig_atomic_t inside;
char* message;
size_t message_bytes;
void* fault_address;

void fail [[noreturn]] (const char* format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(message, message_bytes, format, values);
  va_end(values);
  siglongjmp(escape, 1);
}

unsigned draw(unsigned n) {  // xorshift64*: the high bits, scaled
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (unsigned)(((random_state * 2685821657736338717ull >> 32) * n) >> 32);
}

unsigned common_divisor(unsigned a, unsigned b) {
  while (b) { unsigned r = a % b; a = b; b = r; }
  return a;
}

// A step that visits 0..n-1 once each, from any start.
unsigned draw_step(unsigned n) {
  if (n < 3) return 1;
  for (;;) {
    unsigned step = 1 + draw(n - 1);
    if (common_divisor(step, n) == 1) return step;
  }
}

void switch_to_host() {
#ifdef GASIM_OWN_SWITCH
  gasim_switch(&fibers[current].context, host);
#else
  swapcontext(&fibers[current].context, &host);
#endif
}

void resume(unsigned t) {
  current = t;
  gasim_place(*module->thread_index, t, *module->block_dim);
#ifdef GASIM_OWN_SWITCH
  gasim_switch(&host, fibers[t].context);
#else
  swapcontext(&host, &fibers[t].context);
#endif
}

void fiber_main() {
  module->thread(arguments);
  fibers[current].state = EXITED;
  exited_lanes[current / 32] |= 1u << (current % 32);
  ++exited;
  switch_to_host();
}

void start_fiber(unsigned t) {
  Fiber& fiber = fibers[t];
  fiber.state = READY;
  // Tops at different offsets within a page, or all stacks would share the same cache sets.
  unsigned char* top = stacks + (t + 1) * stack_stride - (t % 16) * 256;
#ifdef GASIM_OWN_SWITCH
  void** frame = (void**)top;
  frame[-1] = nullptr;  // where fiber_main would return to
  frame[-2] = (void*)fiber_main;
  for (int i = 3; i <= 8; ++i) frame[-i] = nullptr;
  fiber.context = frame - 8;
#else
  getcontext(&fiber.context);
  unsigned char* bottom = stacks + (t + 1) * stack_stride - stack_bytes;
  fiber.context.uc_stack.ss_sp = bottom;
  fiber.context.uc_stack.ss_size = (size_t)(top - bottom);
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
#endif
}

const char* name_of(const Fiber& fiber) {
  static const char* barriers[] = {"__syncthreads", "__syncthreads_or", "__syncthreads_and",
                                   "__syncthreads_count"};
  static const char* warps[] = {
      "__syncwarp", "__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync",
      "__ballot_sync", "__any_sync", "__all_sync", "__match_any_sync", "__reduce_add_sync",
      "__reduce_min_sync", "__reduce_max_sync", "__reduce_min_sync", "__reduce_max_sync",
      "__reduce_and_sync", "__reduce_or_sync", "__reduce_xor_sync"};
  return fiber.state == AT_BARRIER ? barriers[fiber.kind] : warps[fiber.kind];
}

void describe(char* text, size_t bytes, unsigned t) {
  const Fiber& fiber = fibers[t];
  int n = snprintf(text, bytes, "thread %u waits in %s at line %d", t, name_of(fiber), fiber.line);
  if (fiber.state == AT_WARP)
    snprintf(text + n, bytes - (size_t)n, " with mask 0x%08x", fiber.mask);
}

void fail_diverged [[noreturn]] (const char* what, unsigned t, unsigned other) {
  char first[128], second[128];
  describe(first, sizeof first, t);
  describe(second, sizeof second, other);
  fail("%s in block %u: %s, %s", what, module->block_index->x, first, second);
}

u64 reduce(int kind, u64 a, u64 b) {
  switch (kind) {
    case GASIM_REDUCE_ADD: return (unsigned)(a + b);
    case GASIM_REDUCE_MIN: return a < b ? a : b;
    case GASIM_REDUCE_MAX: return a > b ? a : b;
    case GASIM_REDUCE_MIN_SIGNED: return (int)a < (int)b ? a : b;
    case GASIM_REDUCE_MAX_SIGNED: return (int)a > (int)b ? a : b;
    case GASIM_REDUCE_AND: return a & b;
    case GASIM_REDUCE_OR: return a | b;
    default: return a ^ b;
  }
}

u64 shuffle(const Fiber* lanes, unsigned taking_part, unsigned lane) {
  const Fiber& fiber = lanes[lane];
  unsigned first = lane & ~(fiber.width - 1), last = lane | (fiber.width - 1);
  unsigned operand = fiber.operand, source = lane;
  if (fiber.kind == GASIM_SHFL) {
    source = first | (operand & (fiber.width - 1));
  } else if (fiber.kind == GASIM_SHFL_UP) {
    if (operand <= lane - first) source = lane - operand;
  } else if (fiber.kind == GASIM_SHFL_DOWN) {
    if (operand <= last - lane) source = lane + operand;
  } else if ((lane ^ (operand & 31)) <= last) {
    source = lane ^ (operand & 31);
  }
  // A lane that does not take part gives an undefined value: make it one that shows.
  return taking_part >> source & 1 ? lanes[source].value : ~0ull;
}

void complete(Fiber* lanes, unsigned taking_part) {
  int kind = lanes[__builtin_ctz(taking_part)].kind;
  unsigned ballot = 0;
  u64 reduced = 0;
  bool first = true;
  for (unsigned rest = taking_part; rest; rest &= rest - 1) {
    const Fiber& fiber = lanes[__builtin_ctz(rest)];
    if (fiber.value) ballot |= rest & -rest;
    reduced = first ? fiber.value : kind >= GASIM_REDUCE_ADD
        ? reduce(kind, reduced, fiber.value) : 0;
    first = false;
  }
  for (unsigned rest = taking_part; rest; rest &= rest - 1) {
    unsigned lane = (unsigned)__builtin_ctz(rest);
    Fiber& fiber = lanes[lane];
    if (kind == GASIM_BALLOT) {
      fiber.result = ballot;
    } else if (kind == GASIM_ANY) {
      fiber.result = ballot != 0;
    } else if (kind == GASIM_ALL) {
      fiber.result = ballot == taking_part;
    } else if (kind == GASIM_MATCH_ANY) {
      fiber.result = 0;
      for (unsigned other = taking_part; other; other &= other - 1)
        if (lanes[__builtin_ctz(other)].value == fiber.value) fiber.result |= other & -other;
    } else if (kind >= GASIM_REDUCE_ADD) {
      fiber.result = reduced;
    } else if (kind != GASIM_SYNC) {
      fiber.result = shuffle(lanes, taking_part, lane);
    }
  }
  for (unsigned rest = taking_part; rest; rest &= rest - 1)
    lanes[__builtin_ctz(rest)].state = READY;
}

// Completes every warp function whose lanes have all arrived; whether there was one.
bool resolve_warp(unsigned warp) {
  Fiber* lanes = fibers + warp * 32;
  bool any = false;
  unsigned seen = exited_lanes[warp];
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (seen >> lane & 1 || lanes[lane].state != AT_WARP) continue;
    const Fiber& fiber = lanes[lane];
    unsigned taking_part = fiber.mask & ~exited_lanes[warp], arrived = 0;
    for (unsigned rest = taking_part; rest; rest &= rest - 1) {
      const Fiber& other = lanes[__builtin_ctz(rest)];
      if (other.state == AT_WARP && other.mask == fiber.mask && other.kind == fiber.kind &&
          other.width == fiber.width)
        arrived |= rest & -rest;
    }
    seen |= arrived;
    if (arrived != taking_part) continue;
    complete(lanes, taking_part);
    any = true;
  }
  return any;
}

void resolve_barrier() {
  unsigned first = 0;
  while (fibers[first].state == EXITED) ++first;
  unsigned count = 0;
  // A thread in a warp function is the better one to name: it says for whom it waits.
  for (unsigned t = first; t < threads; ++t) {
    if (fibers[t].state != AT_WARP) continue;
    unsigned missing = fibers[t].mask & ~exited_lanes[t / 32];
    for (unsigned rest = missing; rest; rest &= rest - 1) {
      unsigned o = t / 32 * 32 + (unsigned)__builtin_ctz(rest);
      const Fiber &a = fibers[t], &b = fibers[o];
      if (b.state != AT_WARP || a.mask != b.mask || a.kind != b.kind || a.width != b.width)
        fail_diverged("warp divergence", t, o);
    }
  }
  for (unsigned t = first; t < threads; ++t) {
    if (fibers[t].state == EXITED) continue;
    if (fibers[t].kind != fibers[first].kind || fibers[t].line != fibers[first].line)
      fail_diverged("barrier divergence", first, t);
    count += fibers[t].operand;
  }
  int kind = fibers[first].kind;
  u64 result = kind == GASIM_BARRIER_OR ? count != 0
             : kind == GASIM_BARRIER_AND ? count == threads - exited : count;
  for (unsigned t = first; t < threads; ++t)
    if (fibers[t].state != EXITED) {
      fibers[t].state = READY;
      fibers[t].result = result;
    }
}

void run_fibers() {
  unsigned warps = (threads + 31) / 32, order[max_threads / 32];
  for (unsigned w = 0; w < warps; ++w) {
    order[w] = w;
    exited_lanes[w] = 0;
  }
  if (threads % 32) exited_lanes[warps - 1] = ~0u << (threads % 32);
  exited = 0;
  for (unsigned t = 0; t < threads; ++t) start_fiber(t);
  unsigned asleep = 0;
  while (exited < threads) {
    for (unsigned w = warps; w > 1; --w) {
      unsigned other = draw(w), keep = order[w - 1];
      order[w - 1] = order[other];
      order[other] = keep;
    }
    for (unsigned w = 0; w < warps; ++w) {
      do {
        unsigned step = draw(16) * 2 + 1, lane = draw(32);
        for (unsigned i = 0; i < 32; ++i, lane += step) {
          unsigned t = order[w] * 32 + lane % 32;
          if (t < threads && fibers[t].state == READY) resume(t);
        }
      } while (resolve_warp(order[w]));
    }
    // Fibers that only yielded are still ready: go round again.
    bool ready = false;
    for (unsigned t = 0; t < threads && !ready; ++t) ready = fibers[t].state == READY;
    if (ready && ++asleep > patience)
      fail("deadlock in block %u: threads wait in __nanosleep for what no thread here will do "
           "(blocks run one after the other, in any order)", module->block_index->x);
    if (!ready && exited < threads) {
      asleep = 0;
      resolve_barrier();
    }
  }
}

unsigned barrier(int kind, unsigned predicate, int line) {
  Fiber& fiber = fibers[current];
  fiber.state = AT_BARRIER;
  fiber.kind = kind;
  fiber.operand = predicate;
  fiber.line = line;
  switch_to_host();
  return (unsigned)fiber.result;
}

u64 warp(int kind, unsigned mask, u64 value, unsigned operand, unsigned width, int line) {
  Fiber& fiber = fibers[current];
  fiber.state = AT_WARP;
  fiber.kind = kind;
  fiber.mask = mask;
  fiber.value = value;
  fiber.operand = operand;
  fiber.width = width;
  fiber.line = line;
  if (!(mask >> (current % 32) & 1))
    fail("thread %u calls %s at line %d with mask 0x%08x, in which it has no bit", current,
         name_of(fiber), line, mask);
  if (width == 0 || width > 32 || (width & (width - 1)))
    fail("%s at line %d: the width is %u, not a power of two up to 32", name_of(fiber), line,
         width);
  switch_to_host();
  return fiber.result;
}

unsigned active() { return ~exited_lanes[current / 32]; }

void yield() {
  switch_to_host();
}

void trap(const char* why, int line) {
  fail("%s at line %d by thread %u of block %u", why, line, module->thread_index->x,
       module->block_index->x);
}

const gasim_engine engine = {barrier, warp, active, yield, trap};

const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
const char* const causes[] = {"invalid memory access", "invalid memory access",
                              "integer division by zero or overflow", "undefined behaviour"};
struct sigaction previous[4];
alignas(64) unsigned char signal_stack[64 * 1024];

void on_signal(int number, siginfo_t* info, void*) {
  int which = 0;
  while (signals[which] != number) ++which;
  if (!inside) {  // not ours: as if we had never been here
    sigaction(number, &previous[which], nullptr);
    return;
  }
  fault_address = which < 2 ? info->si_addr : nullptr;
  fail("%s by thread %u of block %u", causes[which], module->thread_index->x,
       module->block_index->x);
}

void map_stacks() {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  stack_stride = stack_bytes + page;
  void* p = mmap(nullptr, max_threads * stack_stride, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) fail("no memory for the stacks of %u threads", max_threads);
  stacks = (unsigned char*)p;
  for (unsigned t = 0; t < max_threads; ++t) mprotect(stacks + t * stack_stride, page, PROT_NONE);
}

void run_grid(unsigned grid, unsigned shared_bytes) {
  if (module->needs_fibers && !stacks) map_stacks();
  unsigned block = draw(grid), step = draw_step(grid);
  for (unsigned i = 0; i < grid; ++i) {
    memset(module->shared, poison, module->shared_bytes);
    memset(module->dynamic, poison, shared_bytes);
    memset(module->dynamic + shared_bytes, zone, zone_bytes);
    gasim_place(*module->block_index, block, *module->grid_dim);
    if (module->needs_fibers)
      run_fibers();
    else
      module->block(arguments, threads, draw(threads), draw_step(threads));
    for (size_t k = 0; k < zone_bytes; ++k)
      if (module->dynamic[shared_bytes + k] != zone)
        fail("block %u wrote %zu bytes past its %u bytes of dynamic shared memory", block, k,
             shared_bytes);
    block = (unsigned)(((u64)block + step) % grid);
  }
}

}  // namespace

// Runs a kernel; 0, or 1 with `text` saying why not.  Not reentrant: Python holds a lock.  `shape` has
// the three extents of the grid, then those of a block.
extern "C" int gasim_launch(const gasim_module* what, const unsigned* shape, unsigned shared_bytes,
                            u64 seed, const void* values, char* text, size_t text_bytes,
                            void** address) {
  const unsigned grid = shape[0] * shape[1] * shape[2], block = shape[3] * shape[4] * shape[5];
  module = what;
  arguments = values;
  threads = block;
  random_state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
  for (int i = 0; i < 4; ++i) draw(2);
  message = text;
  message_bytes = text_bytes;
  fault_address = nullptr;
  *what->thread_index = *what->block_index = {0, 0, 0};
  *what->grid_dim = {shape[0], shape[1], shape[2]};
  *what->block_dim = {shape[3], shape[4], shape[5]};
  *what->engine = &engine;

  stack_t own = {}, other;
  own.ss_sp = signal_stack;
  own.ss_size = sizeof signal_stack;
  sigaltstack(&own, &other);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int i = 0; i < 4; ++i) sigaction(signals[i], &action, &previous[i]);

  int failed = sigsetjmp(escape, 0);
  if (!failed) {
    inside = 1;
    run_grid(grid, shared_bytes);
  }
  inside = 0;
  for (int i = 0; i < 4; ++i) sigaction(signals[i], &previous[i], nullptr);
  sigaltstack(&other, nullptr);
  *address = fault_address;
  return failed;
}

// Address space that nothing may touch yet; null when there is none.
extern "C" void* gasim_reserve(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

extern "C" void gasim_unreserve(void* pages, size_t bytes) { munmap(pages, bytes); }

// Makes pages usable and poisons them; 0 on success.
extern "C" int gasim_commit(void* pages, size_t bytes) {
  if (mprotect(pages, bytes, PROT_READ | PROT_WRITE)) return 1;
  memset(pages, poison, bytes);
  return 0;
}

// Gives pages back and makes every access to them a fault.
extern "C" int gasim_release(void* pages, size_t bytes) {
  return mmap(pages, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
              0) == MAP_FAILED;
}

// The offset of the first byte that is no longer poison, or -1.
extern "C" long long gasim_first_written(const unsigned char* p, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    if (p[i] != poison) return (long long)i;
  return -1;
}
