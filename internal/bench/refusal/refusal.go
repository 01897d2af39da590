// Package refusal is what a measured Go process runs whose load is refused: it puts the error into
// words. It is apart from package probe because that is in all binaries of the bench, and imports
// as little as can be.
package refusal

import (
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/bench/probe"
)

// Of returns a load that must fail, and whose error is formatted with %v and with %+v, as a log has
// it. E is the peer's error with the verifier's log: of that is %+v, if it is there.
func Of[E error](load func() error) probe.Loader {
	return func() (unload func(), err error) {
		err = load()
		if err == nil {
			return nil, errors.New("the kernel has not refused it")
		}
		words := len(fmt.Sprintf("%v", err))
		if whole := *new(E); errors.As(err, &whole) {
			words += len(fmt.Sprintf("%+v", whole))
		} else {
			words += len(fmt.Sprintf("%+v", err))
		}
		if words == 0 {
			return nil, errors.New("the error says nothing")
		}
		return func() {}, nil
	}
}
