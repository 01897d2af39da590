// Package features reports what the running kernel supports, without loading an object: types of
// maps and programs, helpers, and a [Feature] such as TCX.
//
// Each function returns nil if the kernel supports the feature. If it does not, the error wraps
// [errors.ErrUnsupported] and says what is missing and, if this kernel is older, the first Linux
// version that has it. Any other error means that the answer is unknown, mostly because the process
// lacks CAP_BPF, CAP_PERFMON or CAP_NET_ADMIN.
//
// Answers come from probing the kernel rather than from its version, because distributions backport
// features and leave others out. They are cached for the life of the process. All functions are
// safe for concurrent use.
package features
