// Package errtype finds an error of a given type in an error's tree, like errors.AsType of Go 1.26.
// Older versions of Go have only errors.As, whose reflection would add 20 KB to a small program
// that imports package runtime.
package errtype

// Of returns the first error of type E in err's tree, which it walks as package errors does. It
// does not call methods As(any) bool.
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
