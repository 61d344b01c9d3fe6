// What libtorch can do and tch has no word for. Nothing in here throws: an exception may not pass into
// Rust. All of it is in libtorch_cpu, whether the libtorch has CUDA or not.
#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <exception>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace {

at::Tensor &tensor(void *pointer) { return *static_cast<at::Tensor *>(pointer); }

void tell(const char *text, char *error, size_t size) { snprintf(error, size, "%s", text); }

std::atomic<int64_t> operations{0};

std::unique_ptr<at::ObserverContext> counted(const at::RecordFunction &) {
  operations.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

} // namespace

extern "C" {

// Convolutions by algorithms that give the same bits each time; attention by plain products, since the
// way back of the faster ones adds in any order.
int kk_set_deterministic(int on) {
  try {
    auto &context = at::globalContext();
    context.setDeterministicCuDNN(on != 0);
    context.setDeterministicMkldnn(on != 0);
    context.setSDPUseFlash(on == 0);
    context.setSDPUseMemEfficient(on == 0);
    context.setSDPUseCuDNN(on == 0);
    return 0;
  } catch (...) {
    return 1;
  }
}

// Whether products of f32 may be made of TF32 on an NVIDIA GPU, in convolutions and in matrices alike.
int kk_set_tf32(int on) {
  try {
    auto &context = at::globalContext();
    context.setAllowTF32CuDNN(on != 0);
    context.setAllowTF32CuBLAS(on != 0);
    return 0;
  } catch (...) {
    return 1;
  }
}

int kk_gradients_are_on() { return at::GradMode::is_enabled() ? 1 : 0; }

// Gives a variable the tensor that its gradients are added to; none where `gradient` is null.
void kk_set_gradient(void *variable, void *gradient) {
  tensor(variable).mutable_grad() = gradient ? tensor(gradient) : at::Tensor();
}

// AdamW's step over one tensor, in one pass. `step` is a tensor of one f32.
int kk_adamw(void *values, void *gradient, void *mean, void *square, void *step, double rate,
             double beta1, double beta2, double decay, double epsilon, char *error, size_t size) {
  try {
    at::NoGradGuard no_grad;
    at::_fused_adamw_({tensor(values)}, {tensor(gradient)}, {tensor(mean)}, {tensor(square)}, {},
                      {tensor(step)}, rate, beta1, beta2, decay, epsilon, false, false);
    return 0;
  } catch (const std::exception &e) {
    tell(e.what(), error, size);
  } catch (...) {
    tell("an unknown failure of libtorch", error, size);
  }
  return 1;
}

// Counts the operations that libtorch is asked for, in this thread or in all.
uint64_t kk_count_operations(int everywhere) {
  operations = 0;
  auto callback = at::RecordFunctionCallback(counted).scopes({at::RecordScope::FUNCTION});
  return everywhere ? at::addGlobalCallback(callback) : at::addThreadLocalCallback(callback);
}

int64_t kk_counted_operations(uint64_t handle) {
  at::removeCallback(handle);
  return operations;
}

// Gives memory that is kept for later tensors back to the GPU.
void kk_empty_cuda_cache() {
  try {
    if (auto *allocator = c10::getDeviceAllocator(c10::kCUDA); allocator && allocator->initialized())
      allocator->emptyCache();
  } catch (...) {
  }
}

// The most bytes that tensors had on a GPU so far; less than 0 where nothing is known.
int64_t kk_cuda_peak(int device) {
  try {
    auto *allocator = c10::getDeviceAllocator(c10::kCUDA);
    if (!allocator || !allocator->initialized()) return -1;
    return allocator->getDeviceStats(static_cast<c10::DeviceIndex>(device)).reserved_bytes[0].peak;
  } catch (...) {
    return -1;
  }
}

// Bytes of a GPU that no process has; less than 0 where nothing is known.
int64_t kk_cuda_free(int device) {
  try {
    auto *allocator = c10::getDeviceAllocator(c10::kCUDA);
    if (!allocator || !allocator->initialized()) return -1;
    return allocator->getMemoryInfo(static_cast<c10::DeviceIndex>(device)).first;
  } catch (...) {
    return -1;
  }
}

// cuDNN's version as one number; less than 0 without.
int64_t kk_cudnn_version() {
  try {
    return at::detail::getCUDAHooks().hasCuDNN() ? at::Context::versionRuntimeCuDNN() : -1;
  } catch (...) {
    return -1;
  }
}

// What NVIDIA's driver says of a GPU, in CUDA's own order; its interface is C and does not change. The
// numbers: bytes of memory, compute capability as 80 for 8.0, the newest CUDA that it knows as 13000.
int kk_gpu(int number, char *name, int size, int64_t *numbers) {
#if defined(_WIN32)
  (void)number, (void)name, (void)size, (void)numbers;
  return 1;
#else
  void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (!driver) return 1;
  auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  auto get = reinterpret_cast<int (*)(int *, int)>(dlsym(driver, "cuDeviceGet"));
  auto get_name = reinterpret_cast<int (*)(char *, int, int)>(dlsym(driver, "cuDeviceGetName"));
  auto memory = reinterpret_cast<int (*)(size_t *, int)>(dlsym(driver, "cuDeviceTotalMem_v2"));
  auto attribute = reinterpret_cast<int (*)(int *, int, int)>(dlsym(driver, "cuDeviceGetAttribute"));
  auto version = reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDriverGetVersion"));
  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
  const int MAJOR = 75, MINOR = 76;
  int device = 0, major = 0, minor = 0, cuda = 0;
  size_t bytes = 0;
  if (!init || !get || !get_name || !memory || !attribute || !version || init(0) != 0 ||
      get(&device, number) != 0 || get_name(name, size, device) != 0 ||
      memory(&bytes, device) != 0 || attribute(&major, MAJOR, device) != 0 ||
      attribute(&minor, MINOR, device) != 0 || version(&cuda) != 0)
    return 1;
  numbers[0] = static_cast<int64_t>(bytes);
  numbers[1] = 10 * major + minor;
  numbers[2] = cuda;
  return 0;
#endif
}

} // extern "C"
