// Package errtype finds an error of a type among those that an error wraps, as errors.AsType
// does from Go 1.26 on. Before that there is errors.As, whose reflection would
// add 20 KB to a small program that imports package runtime.
package errtype

// Of returns the first error of type E in err's tree, which it walks as package errors does.
// Methods As(any) bool are not asked.
func Of[E error](err error) (E, bool) {
	for err != nil {
		if e, ok := err.(E); ok {
			return e, true
		}
		switch wrapper := err.(type) {
		case interface{ Unwrap() error }:
			err = wrapper.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range wrapper.Unwrap() {
				if e, ok := Of[E](err); ok {
					return e, true
				}
			}
			return *new(E), false
		default:
			return *new(E), false
		}
	}
	return *new(E), false
}
