// A network as a graph that Python traced (TorchScript). Nothing in here throws: an exception may not pass
// into Rust. All of it is in libtorch_cpu, whether the libtorch has CUDA or not.
#include <ATen/autocast_mode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/graph_rewrite_helper.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

namespace {

using torch::jit::Block;
using torch::jit::Module;
using torch::jit::Node;

at::Tensor &tensor(void *pointer) { return *static_cast<at::Tensor *>(pointer); }

Module &module(void *pointer) { return *static_cast<Module *>(pointer); }

// libtorch tells first where in the graph, which may be long, and what went wrong last.
void tell(const std::string &text, char *error, size_t size) {
  const auto start = text.size() < size ? 0 : text.size() - size + 1;
  snprintf(error, size, "%s", text.c_str() + start);
}

template <class Work> bool done(Work work, char *error, size_t size) {
  try {
    work();
    return true;
  } catch (const c10::Error &e) {
    tell(e.what_without_backtrace(), error, size);
  } catch (const std::exception &e) {
    tell(e.what(), error, size);
  } catch (...) {
    tell("an unknown failure of libtorch", error, size);
  }
  return false;
}

// Constants keep the device that they were traced on: tensors, and the names of devices that new tensors
// are made on. Single numbers stay: they go with tensors of any device, and where they are sizes a GPU would
// be waited for.
void move_constants(Block *block, const c10::Device &device) {
  for (Node *node : block->nodes()) {
    for (Block *inner : node->blocks()) move_constants(inner, device);
    if (node->kind() != c10::prim::Constant || !node->hasAttribute(c10::attr::value)) continue;
    if (node->output()->type()->isSubtypeOf(*c10::DeviceObjType::get()))
      node->s_(c10::attr::value, device.str());
    else if (node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t &&
             node->t(c10::attr::value).dim() > 0)
      node->t_(c10::attr::value, node->t(c10::attr::value).to(device));
  }
}

// Precision of products and convolutions for as long as it lives; weights stay as they are.
class Autocast {
public:
  Autocast(c10::DeviceType device, c10::ScalarType kind)
      : device(device), was_on(at::autocast::is_autocast_enabled(device)),
        had(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device, kind != c10::kFloat);
    if (kind != c10::kFloat) at::autocast::set_autocast_dtype(device, kind);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, was_on);
    at::autocast::set_autocast_dtype(device, had);
  }

private:
  c10::DeviceType device;
  bool was_on;
  c10::ScalarType had;
};

} // namespace

extern "C" {

// The network in a file's bytes, on the CPU; none where they are no such file.
void *kk_graph_open(const char *bytes, size_t length, char *error, size_t size) {
  Module *opened = nullptr;
  done(
      [&] {
        std::istringstream stream(std::string(bytes, length));
        auto loaded = std::make_unique<Module>(torch::jit::load(stream, c10::Device(c10::kCPU)));
        loaded->eval();
        // Tracing writes convolutions in a way that autocast does not know on a CPU.
        for (const Module &part : loaded->modules())
          for (const auto &method : part.get_methods()) {
            auto graph = method.graph();
            torch::jit::graph_rewrite_helper::replaceConvolutionWithAtenConv(graph);
          }
        opened = loaded.release();
      },
      error, size);
  return opened;
}

void kk_graph_close(void *graph) { delete static_cast<Module *>(graph); }

// Calls with every parameter and buffer, and its name. What is called has a tensor of its own, which it
// owns, and of which the numbers are the network's.
void kk_graph_tensors(void *graph, void (*see)(void *, const char *, void *), void *context) {
  for (const auto &of : module(graph).named_parameters())
    see(context, of.name.c_str(), new at::Tensor(of.value));
  for (const auto &of : module(graph).named_buffers())
    see(context, of.name.c_str(), new at::Tensor(of.value));
}

// Moves constants and what else is no variable to a device, as libtorch names it: `cuda:0`. Before the
// network is called for the first time.
int kk_graph_move(void *graph, const char *name, char *error, size_t size) {
  return done(
             [&] {
               c10::Device device{std::string(name)};
               for (const Module &part : module(graph).modules())
                 for (const auto &method : part.get_methods())
                   move_constants(method.graph()->block(), device);
             },
             error, size)
             ? 0
             : 1;
}

// What it makes of pictures; none where it fails. `kind` is the number of a `c10::ScalarType`.
void *kk_graph_forward(void *graph, void *pictures, int kind, char *error, size_t size) {
  at::Tensor *result = nullptr;
  done(
      [&] {
        // Otherwise libtorch would rewrite the graph for the first shapes that it sees, which takes long
        // and changes how it is differentiated; the setting is a thread's.
        torch::jit::setGraphExecutorOptimize(false);
        Autocast autocast(tensor(pictures).device().type(), static_cast<c10::ScalarType>(kind));
        result = new at::Tensor(module(graph).forward({tensor(pictures)}).toTensor());
      },
      error, size);
  return result;
}

} // extern "C"
