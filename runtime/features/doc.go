// Package features answers what the running kernel can do, before anything is loaded: whether it has a type of map or program, a
// helper, or one of the features that are listed here.
//
// Each function returns nil for yes. For no it returns an error that wraps [errors.ErrUnsupported] and says what is missing, and
// since which Linux it exists if this one is older. Any other error means that it cannot be told: mostly that the process may not ask, which takes
// CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. Answers come from trying in the kernel, not from its version, as distributions port features back and leave
// others out. They are kept for the life of the process, and all functions are safe for concurrent use.
package features
