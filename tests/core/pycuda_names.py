"""The names in PyCUDA's manual, from the directives of its pages (doc/*.rst, 2026.1).

In: nothing. Out: by module, lines of a class or function with its members.
"""

NAMES = {
    "pycuda": """
VERSION
VERSION_STATUS
VERSION_TEXT
""",
    "pycuda.driver": """
Error
CompileError: msg stdout stderr command_line
MemoryError
LogicError
LaunchError
RuntimeError
ctx_flags: SCHED_AUTO SCHED_SPIN SCHED_YIELD SCHED_MASK SCHED_BLOCKING_SYNC MAP_HOST
    LMEM_RESIZE_TO_MAX FLAGS_MASK
event_flags: DEFAULT BLOCKING_SYNC DISABLE_TIMING INTERPROCESS
device_attribute: MAX_THREADS_PER_BLOCK MAX_BLOCK_DIM_X MAX_BLOCK_DIM_Y MAX_BLOCK_DIM_Z
    MAX_GRID_DIM_X MAX_GRID_DIM_Y MAX_GRID_DIM_Z TOTAL_CONSTANT_MEMORY WARP_SIZE MAX_PITCH
    CLOCK_RATE TEXTURE_ALIGNMENT GPU_OVERLAP MULTIPROCESSOR_COUNT SHARED_MEMORY_PER_BLOCK
    MAX_SHARED_MEMORY_PER_BLOCK REGISTERS_PER_BLOCK MAX_REGISTERS_PER_BLOCK KERNEL_EXEC_TIMEOUT
    INTEGRATED CAN_MAP_HOST_MEMORY COMPUTE_MODE MAXIMUM_TEXTURE1D_WIDTH MAXIMUM_TEXTURE2D_WIDTH
    MAXIMUM_TEXTURE2D_HEIGHT MAXIMUM_TEXTURE3D_WIDTH MAXIMUM_TEXTURE3D_HEIGHT
    MAXIMUM_TEXTURE3D_DEPTH MAXIMUM_TEXTURE2D_ARRAY_WIDTH MAXIMUM_TEXTURE2D_ARRAY_HEIGHT
    MAXIMUM_TEXTURE2D_ARRAY_NUMSLICES MAXIMUM_TEXTURE2D_LAYERED_WIDTH
    MAXIMUM_TEXTURE2D_LAYERED_HEIGHT MAXIMUM_TEXTURE2D_LAYERED_LAYERS
    MAXIMUM_TEXTURE1D_LAYERED_WIDTH MAXIMUM_TEXTURE1D_LAYERED_LAYERS SURFACE_ALIGNMENT
    CONCURRENT_KERNELS ECC_ENABLED PCI_BUS_ID PCI_DEVICE_ID TCC_DRIVER MEMORY_CLOCK_RATE
    GLOBAL_MEMORY_BUS_WIDTH L2_CACHE_SIZE MAX_THREADS_PER_MULTIPROCESSOR ASYNC_ENGINE_COUNT
    UNIFIED_ADDRESSING MAXIMUM_TEXTURE2D_GATHER_WIDTH MAXIMUM_TEXTURE2D_GATHER_HEIGHT
    MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE
    MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE PCI_DOMAIN_ID TEXTURE_PITCH_ALIGNMENT
    MAXIMUM_TEXTURECUBEMAP_WIDTH MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH
    MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS MAXIMUM_SURFACE1D_WIDTH MAXIMUM_SURFACE2D_WIDTH
    MAXIMUM_SURFACE2D_HEIGHT MAXIMUM_SURFACE3D_WIDTH MAXIMUM_SURFACE3D_HEIGHT
    MAXIMUM_SURFACE3D_DEPTH MAXIMUM_SURFACE1D_LAYERED_WIDTH MAXIMUM_SURFACE1D_LAYERED_LAYERS
    MAXIMUM_SURFACE2D_LAYERED_WIDTH MAXIMUM_SURFACE2D_LAYERED_HEIGHT
    MAXIMUM_SURFACE2D_LAYERED_LAYERS MAXIMUM_SURFACECUBEMAP_WIDTH
    MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS
    MAXIMUM_TEXTURE1D_LINEAR_WIDTH MAXIMUM_TEXTURE2D_LINEAR_WIDTH
    MAXIMUM_TEXTURE2D_LINEAR_HEIGHT MAXIMUM_TEXTURE2D_LINEAR_PITCH
    MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT
    COMPUTE_CAPABILITY_MAJOR COMPUTE_CAPABILITY_MINOR MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH
    STREAM_PRIORITIES_SUPPORTED GLOBAL_L1_CACHE_SUPPORTED LOCAL_L1_CACHE_SUPPORTED
    MAX_SHARED_MEMORY_PER_MULTIPROCESSOR MAX_REGISTERS_PER_MULTIPROCESSOR MANAGED_MEMORY
    MULTI_GPU_BOARD MULTI_GPU_BOARD_GROUP_ID HOST_NATIVE_ATOMIC_SUPPORTED
    SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO PAGEABLE_MEMORY_ACCESS CONCURRENT_MANAGED_ACCESS
    COMPUTE_PREEMPTION_SUPPORTED CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
    MAX_SHARED_MEMORY_PER_BLOCK_OPTIN PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES
    DIRECT_MANAGED_MEM_ACCESS_FROM_HOST HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED
    HANDLE_TYPE_WIN32_HANDLE_SUPPORTED HANDLE_TYPE_WIN32_KMT_HANDLE_SUPPORTED
    MAX_PERSISTING_L2_CACHE_SIZE MAX_BLOCKS_PER_MULTIPROCESSOR GENERIC_COMPRESSION_SUPPORTED
    RESERVED_SHARED_MEMORY_PER_BLOCK READ_ONLY_HOST_REGISTER_SUPPORTED MEMORY_POOLS_SUPPORTED
pointer_attribute: CONTEXT MEMORY_TYPE DEVICE_POINTER HOST_POINTER
profiler_output_mode: KEY_VALUE_PAIR CSV
function_attribute: MAX_THREADS_PER_BLOCK SHARED_SIZE_BYTES CONST_SIZE_BYTES LOCAL_SIZE_BYTES
    NUM_REGS PTX_VERSION BINARY_VERSION CACHE_MODE_CA MAX_DYNAMIC_SHARED_SIZE_BYTES
    PREFERRED_SHARED_MEMORY_CARVEOUT MAX
func_cache: PREFER_NONE PREFER_SHARED PREFER_L1 PREFER_EQUAL
shared_config: DEFAULT_BANK_SIZE FOUR_BYTE_BANK_SIZE EIGHT_BYTE_BANK_SIZE
array_format: UNSIGNED_INT8 UNSIGNED_INT16 UNSIGNED_INT32 SIGNED_INT8 SIGNED_INT16 SIGNED_INT32
    HALF FLOAT
array3d_flags: 2DARRAY LAYERED SURFACE_LDST CUBEMAP TEXTURE_GATHER
address_mode: WRAP CLAMP MIRROR BORDER
filter_mode: POINT LINEAR
memory_type: HOST DEVICE ARRAY
compute_mode: DEFAULT PROHIBITED EXCLUSIVE_PROCESS
jit_option: MAX_REGISTERS THREADS_PER_BLOCK WALL_TIME INFO_LOG_BUFFER INFO_LOG_BUFFER_SIZE_BYTES
    ERROR_LOG_BUFFER ERROR_LOG_BUFFER_SIZE_BYTES OPTIMIZATION_LEVEL TARGET_FROM_CUCONTEXT TARGET
    FALLBACK_STRATEGY
jit_target: COMPUTE_10 COMPUTE_11 COMPUTE_12 COMPUTE_13 COMPUTE_20 COMPUTE_21
jit_fallback: PREFER_PTX PREFER_BINARY
host_alloc_flags: PORTABLE DEVICEMAP WRITECOMBINED
mem_attach_flags: GLOBAL HOST SINGLE
mem_host_register_flags: PORTABLE DEVICEMAP
limit: STACK_SIZE PRINTF_FIFO_SIZE MALLOC_HEAP_SIZE
ipc_mem_flags: LAZY_ENABLE_PEER_ACCESS
graphics_register_flags: NONE READ_ONLY WRITE_DISCARD SURFACE_LDST TEXTURE_GATHER
array_cubemap_face: POSITIVE_X NEGATIVE_X POSITIVE_Y NEGATIVE_Y POSITIVE_Z NEGATIVE_Z
get_version
get_driver_version
init
Device: count name pci_bus_id compute_capability total_memory get_attribute get_attributes
    make_context retain_primary_context can_access_peer __hash__ __eq__ __ne__
Context: detach push pop get_device synchronize set_limit get_limit set_cache_config
    get_cache_config set_shared_config get_shared_config get_api_version enable_peer_access
    disable_peer_access
Stream: synchronize is_done wait_for_event
Event: record synchronize query time_since time_till ipc_handle from_ipc_handle
mem_get_info
mem_alloc
to_device
from_device
from_device_like
mem_alloc_pitch
DeviceAllocation: free as_buffer
mem_get_ipc_handle
IPCMemoryHandle: close
PointerHolderBase: get_pointer as_buffer
pagelocked_empty
pagelocked_zeros
pagelocked_empty_like
pagelocked_zeros_like
PagelockedHostAllocation: free get_flags
HostAllocation
aligned_empty
aligned_zeros
aligned_empty_like
aligned_zeros_like
AlignedHostAllocation: free
register_host_memory
RegisteredHostMemory: unregister base
HostPointer: get_device_pointer
managed_empty
managed_zeros
managed_empty_like
managed_zeros_like
ManagedAllocation: free get_device_pointer attach
ArrayDescriptor: width height format num_channels
ArrayDescriptor3D: width height depth format num_channels
Array: free get_descriptor get_descriptor_3d handle
SurfaceReference: set_array get_array
TextureReference: set_array set_address set_address_2d set_format set_address_mode set_flags
    get_array get_address_mode get_filter_mode get_format get_flags
TRSA_OVERRIDE_FORMAT
TRSF_READ_AS_INTEGER
TRSF_NORMALIZED_COORDINATES
TR_DEFAULT
matrix_to_array
np_to_array
gpuarray_to_array
make_multichannel_2d_array
memset_d8
memset_d16
memset_d32
memset_d2d8
memset_d2d16
memset_d2d32
memset_d8_async
memset_d16_async
memset_d32_async
memset_d2d8_async
memset_d2d16_async
memset_d2d32_async
memcpy_htod
memcpy_htod_async
memcpy_dtoh
memcpy_dtoh_async
memcpy_dtod
memcpy_dtod_async
memcpy_peer
memcpy_peer_async
memcpy_dtoa
memcpy_atod
memcpy_htoa
memcpy_atoh
memcpy_atoa
Memcpy2D: src_x_in_bytes src_y src_pitch set_src_host set_src_array set_src_device
    set_src_unified dst_x_in_bytes dst_y dst_pitch set_dst_host set_dst_array set_dst_device
    set_dst_unified width_in_bytes height __call__
Memcpy3D: src_height src_z dst_height dst_z depth
Memcpy3DPeer: set_src_context set_dst_context
Module: get_function get_global get_texref get_surfref
module_from_file
module_from_buffer
Function: __call__ param_set_texref prepare prepared_call prepared_timed_call
    prepared_async_call get_attribute set_attribute set_cache_config set_shared_config
    local_size_bytes shared_size_bytes num_regs set_shared_size set_block_shape param_set
    param_set_size param_seti param_setf launch launch_grid launch_grid_async
ArgumentHandler
In
Out
InOut
initialize_profiler
start_profiler
stop_profiler
""",
    "pycuda.compiler": """
DEFAULT_NVCC_FLAGS
SourceModule
compile
""",
    "pycuda.autoinit": """
device
context
""",
    "pycuda.autoprimaryctx": """
device
context
""",
    "pycuda.tools": """
make_default_context
get_default_device
context_dependent_memoize
clear_context_caches
mark_cuda_test
DeviceData: max_threads warp_size warps_per_mp thread_blocks_per_mp registers shared_memory
    smem_granularity smem_alloc_granularity align_bytes align align_words align_dtype
    make_valid_tex_channel_count
OccupancyRecord: tb_per_mp limited_by warps_per_mp occupancy
PooledDeviceAllocation: free __len__
DeviceMemoryPool: held_blocks active_blocks managed_bytes active_bytes allocate free_held
    stop_holding
PooledHostAllocation: free __len__
PageLockedAllocator
PageLockedMemoryPool: held_blocks active_blocks allocate free_held stop_holding
register_dtype
""",
    "pycuda.gl": """
make_context
graphics_map_flags: NONE READ_ONLY WRITE_DISCARD
RegisteredBuffer: gl_handle unregister map
RegisteredImage: gl_handle unregister map
RegisteredMapping: unmap device_ptr_and_size array
""",
    "pycuda.gl.autoinit": """
device
context
init
BufferObject: unregister handle map
BufferObjectMapping: unmap device_ptr size
""",
    "pycuda.gpuarray": """
vec
GPUArray: gpudata shape dtype size mem_size nbytes strides flags ptr __cuda_array_interface__
    __len__ reshape ravel view squeeze set set_async get get_async copy mul_add __add__ __radd__
    __sub__ __rsub__ __iadd__ __isub__ __neg__ __mul__ __rmul__ __truediv__ __rtruediv__ __pow__
    __rpow__ __abs__ __getitem__ fill astype any all real imag conj conjugate bind_to_texref
    bind_to_texref_ext
to_gpu
to_gpu_async
empty
zeros
ones
empty_like
zeros_like
ones_like
arange
take
concatenate
stack
logical_and
logical_or
logical_not
if_positive
maximum
minimum
sum
any
all
subset_sum
dot
subset_dot
max
min
subset_max
subset_min
""",
    "pycuda.cumath": """
fabs
ceil
floor
exp
log
log10
sqrt
sin
cos
tan
asin
acos
atan
sinh
cosh
tanh
fmod
frexp
ldexp
modf
""",
    "pycuda.curandom": """
rand
get_curand_version
seed_getter_uniform
seed_getter_unique
XORWOWRandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal fill_log_normal
    gen_log_normal fill_poisson gen_poisson call_skip_ahead call_skip_ahead_array
    call_skip_ahead_sequence call_skip_ahead_sequence_array
MRG32k3aRandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal fill_log_normal
    gen_log_normal fill_poisson gen_poisson call_skip_ahead call_skip_ahead_array
    call_skip_ahead_sequence call_skip_ahead_sequence_array
generate_direction_vectors
generate_scramble_constants32
generate_scramble_constants64
Sobol32RandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal fill_log_normal
    gen_log_normal fill_poisson gen_poisson call_skip_ahead call_skip_ahead_array
ScrambledSobol32RandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal
    fill_log_normal gen_log_normal fill_poisson gen_poisson call_skip_ahead
    call_skip_ahead_array
Sobol64RandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal fill_log_normal
    gen_log_normal fill_poisson gen_poisson call_skip_ahead call_skip_ahead_array
ScrambledSobol64RandomNumberGenerator: fill_uniform gen_uniform fill_normal gen_normal
    fill_log_normal gen_log_normal fill_poisson gen_poisson call_skip_ahead
    call_skip_ahead_array
""",
    "pycuda.elementwise": """
ElementwiseKernel: __call__
""",
    "pycuda.reduction": """
ReductionKernel: __call__
""",
    "pycuda.scan": """
ExclusiveScanKernel: __call__
InclusiveScanKernel
""",
}
