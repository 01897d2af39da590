// Package refusal formats the error of a refused load in a measured Go process. It is not part of
// package probe, which is in all binaries of the bench and imports as little as possible.
package refusal

import (
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/bench/probe"
)

// Of returns a load that must fail, and formats its error with %v and %+v, as a log would. E is the
// type of the peer's error with the verifier's log; if the error is one, %+v formats that.
func Of[E error](load func() error) probe.Loader {
	return func() (unload func(), err error) {
		err = load()
		if err == nil {
			return nil, errors.New("the kernel did not refuse the load")
		}
		words := len(fmt.Sprintf("%v", err))
		if whole := *new(E); errors.As(err, &whole) {
			words += len(fmt.Sprintf("%+v", whole))
		} else {
			words += len(fmt.Sprintf("%+v", err))
		}
		if words == 0 {
			return nil, errors.New("the error has no text")
		}
		return func() {}, nil
	}
}
