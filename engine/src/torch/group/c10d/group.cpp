// PyTorch's c10d for Rust: a store, and a group of processes that add up, gather and spread tensors.
// Every function gives a text, for `kk_text_free`, if something went wrong, and nothing if not.
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef KK_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <c10/util/Flags.h>
#include <cstring>
C10_DECLARE_int(caffe2_log_level);

namespace {
using c10::intrusive_ptr, c10::make_intrusive, std::chrono::milliseconds;
using Gloo = c10d::ProcessGroupGloo;
using Store = intrusive_ptr<c10d::TCPStore>;
using Pending = intrusive_ptr<c10d::Work>;

struct Group {
  intrusive_ptr<c10d::Backend> cpu, gpu;
  const intrusive_ptr<c10d::Backend>& of(const at::Tensor& tensor) const {
    TORCH_CHECK(tensor.is_cpu() || gpu, "this group has no NCCL for a tensor on ", tensor.device());
    return tensor.is_cpu() ? cpu : gpu;
  }
};
template <typename F>
char* guarded(F work) noexcept {
  try {
    work();
    return nullptr;
  } catch (const c10::Error& error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an unknown exception");
  }
}

void finish(const Pending& work) { TORCH_CHECK(work->wait(), "it was aborted"); }
intrusive_ptr<c10d::Store> under(intrusive_ptr<c10d::Store> store,
                                 std::initializer_list<const char*> prefixes) {
  for (const char* prefix : prefixes) store = make_intrusive<c10d::PrefixStore>(prefix, store);
  return store;
}

// Parts of gradients that are added up while the rest of a way back is still computed: each once all its
// variables have theirs, in one order, which all ranks keep whatever they compute.
struct Overlap {
  using Node = decltype(torch::autograd::impl::grad_accumulator(std::declval<at::Tensor&>()));
  struct Part {
    at::Tensor gradients;
    int variables = 0, missing = 0;
    Pending sum = {};
  };
  intrusive_ptr<c10d::Backend> backend;
  std::vector<Part> parts;
  // Where the way back ends in each variable, with our hook; variables alone would not keep them.
  std::vector<std::pair<Node, uintptr_t>> ends;
  size_t begun = 0;
  bool armed = false;

  void begin(bool also_unready) {
    for (; begun < parts.size() && (also_unready || parts[begun].missing == 0); begun++) {
      std::vector<at::Tensor> tensors{parts[begun].gradients};
      parts[begun].sum = backend->allreduce(tensors);
    }
  }
  void watch(at::Tensor& variable, size_t part) {
    parts[part].variables++;
    auto end = torch::autograd::impl::grad_accumulator(variable);
    using Variables = std::vector<at::Tensor>;
    auto done = [this, part](const Variables& outputs, const Variables&) {
      if (armed && --parts[part].missing == 0) begin(false);
      return outputs;
    };
    auto hook = std::make_unique<torch::autograd::utils::LambdaPostHook>(done);
    ends.emplace_back(end, end->add_post_hook(std::move(hook)));
  }
  ~Overlap() {
    for (auto& [end, hook] : ends) end->del_post_hook(hook);
  }
};
} // namespace

extern "C" {
void kk_text_free(char* text) { free(text); }

bool kk_has_nccl() {
#ifdef KK_NCCL
  return true;
#else
  return false;
#endif
}

// `serve`: this process keeps the store for all; at port 0 it takes a free one, which it tells.
char* kk_store_open(const char* host, uint16_t port, bool serve, int world, int64_t timeout_ms,
                    Store** out, uint16_t* port_out) {
  return guarded([&] {
    if (!getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = 3; // we tell what goes wrong
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve;
    options.numWorkers = world;
    options.waitWorkers = !serve; // who serves waits in `kk_group_join`, when the port is known
    options.timeout = milliseconds(timeout_ms);
    *out = new Store(make_intrusive<c10d::TCPStore>(host, options));
    *port_out = (**out)->getPort();
  });
}

char* kk_store_set(Store* store, const char* key, const char* value) {
  return guarded([&] { under(*store, {"kaggle-kit"})->set(key, std::string(value)); });
}

// The value of a key; nothing if nobody sets it within that time.
char* kk_store_get(Store* store, const char* key, int64_t timeout_ms, char** value) {
  return guarded([&] {
    auto notes = under(*store, {"kaggle-kit"});
    try {
      notes->wait({key}, milliseconds(timeout_ms));
      *value = strdup(notes->get_to_str(key).c_str());
    } catch (const c10::DistStoreError&) {
      *value = nullptr;
    }
  });
}
void kk_store_close(Store* store) { delete store; }

// `address`: of this process, or nothing to let Gloo find one; `gpu`: its GPU, or -1. The prefixes
// are those of PyTorch's default group, so that a Python process may be a member.
char* kk_group_join(Store* store, const char* address, bool serve, int rank, int world, int gpu,
                    int64_t timeout_ms, Group** out) {
  return guarded([&] {
    if (serve) (*store)->waitForWorkers();
    auto group = std::make_unique<Group>();
    auto gloo = *address ? Gloo::Options::create(milliseconds(timeout_ms))
                         : Gloo::Options::create_default(milliseconds(timeout_ms));
    if (*address) gloo->devices.push_back(Gloo::createDeviceForHostname(address));
    group->cpu = make_intrusive<Gloo>(under(*store, {"default_pg", "0/", "cpu/"}), rank, world, gloo);
    TORCH_CHECK(gpu < 0 || at::hasCUDA(), "no NVIDIA GPU here");
#ifdef KK_NCCL
    if (gpu >= 0) {
      c10::cuda::set_device(static_cast<c10::DeviceIndex>(gpu)); // no memory on anybody else's
      auto nccl = c10d::ProcessGroupNCCL::Options::create();
      nccl->timeout = milliseconds(timeout_ms);
      nccl->group_name = "0";
      group->gpu = make_intrusive<c10d::ProcessGroupNCCL>(
          under(*store, {"default_pg", "0/", "cuda/"}), rank, world, nccl);
      group->gpu->setBoundDeviceId(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(gpu)));
    }
#endif
    *out = group.release();
  });
}

// Adds a tensor up over all ranks, in place; it is there once `kk_pending_wait` returns.
char* kk_group_sum(Group* group, at::Tensor* tensor, Pending** out) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{*tensor};
    *out = new Pending(group->of(*tensor)->allreduce(tensors));
  });
}

char* kk_pending_wait(Pending* pending) {
  std::unique_ptr<Pending> owned(pending);
  return guarded([&] { finish(*owned); });
}

// Gives everybody what rank 0 has.
char* kk_group_spread(Group* group, at::Tensor* tensor) {
  std::vector<at::Tensor> tensors{*tensor};
  return guarded([&] { finish(group->of(*tensor)->broadcast(tensors)); });
}

// Every rank's `from`, all of one shape, one after another into `into`.
char* kk_group_gather(Group* group, at::Tensor* into, at::Tensor* from) {
  return guarded([&] { finish(group->of(*from)->_allgather_base(*into, *from)); });
}

// `gradients`: the parts, in the order in which they are sent; of each variable its part.
char* kk_overlap_new(Group* group, at::Tensor** gradients, size_t n_parts, at::Tensor** variables,
                     const size_t* part_of, size_t n_variables, Overlap** out) {
  return guarded([&] {
    auto overlap = std::make_unique<Overlap>();
    for (size_t i = 0; i < n_parts; i++) overlap->parts.push_back({*gradients[i]});
    if (n_parts > 0) overlap->backend = group->of(*gradients[0]);
    for (size_t i = 0; i < n_variables; i++) overlap->watch(*variables[i], part_of[i]);
    *out = overlap.release();
  });
}

// The next way back is the last before a step; parts without variables are sent at once.
char* kk_overlap_arm(Overlap* overlap) {
  return guarded([&] {
    for (auto& part : overlap->parts) part.missing = part.variables;
    overlap->armed = true;
    overlap->begin(false);
  });
}

// Sends what was not sent yet, and waits for all; tells how many were sent before.
char* kk_overlap_finish(Overlap* overlap, size_t* before) {
  return guarded([&] {
    *before = overlap->begun;
    overlap->armed = false;
    overlap->begin(true);
    for (auto& part : overlap->parts) finish(std::exchange(part.sum, {}));
    overlap->begun = 0;
  });
}
void kk_overlap_free(Overlap* overlap) { delete overlap; }

void kk_group_leave(Group* group) {
  if (group->gpu) group->gpu->abort(); // never waits for a rank that is gone
  delete group;
}
} // extern "C"
