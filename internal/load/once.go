package load

import "github.com/bpf2lskel/bpf2lskel/internal/spec"

// RunOnce makes one attempt to carry out a request, either quick or plain, for tests that compare
// the two. Attempts interrupted by a signal do not count.
func RunOnce(req *Request, quick bool) (*Loaded, *spec.Failure) {
	e := engine{Loaded: Loaded{spec: req.Spec}, req: *req, quick: quick && req.Spec.Phases != nil}
	var failure *spec.Failure
	for range maxAttempts {
		if failure = e.attempt(); failure == nil {
			return &e.Loaded, nil
		}
		if !interrupted(failure) {
			break
		}
	}
	return nil, failure
}
