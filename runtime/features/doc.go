// Package features finds out what the running kernel can do, before anything is
// loaded: whether it has a type of map or program, a helper, or a [Feature].
//
// Each function returns nil for yes. For no it returns an error that wraps
// [errors.ErrUnsupported] and says what is missing, and, if this kernel is older,
// which Linux was the first to have it. Any other error means that the answer is
// unknown, mostly because the process lacks CAP_BPF, CAP_PERFMON or CAP_NET_ADMIN.
//
// Answers come from trying in the kernel, not from its version, since
// distributions port features back and leave others out. They are kept for the
// life of the process, and all functions are safe for concurrent use.
package features
