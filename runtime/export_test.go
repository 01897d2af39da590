package runtime

import "golang.org/x/sys/unix"

// LoadOnce opens an object and makes one attempt to load it, quick or plain; one that a signal interrupts does not count.
func LoadOnce(spec *Spec, quick bool) (*Skeleton, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	s := newSkeleton(spec)
	l := loading{Skeleton: s, spec: spec, opts: &LoadOptions{}, logStep: -1, quick: quick}
	failure := l.attempt()
	for range maxAttempts {
		if failure == nil || failure.Errno != unix.EAGAIN && failure.Errno != unix.EINTR {
			break
		}
		failure = l.attempt()
	}
	if failure != nil {
		return nil, failure
	}
	s.state = loaded
	return s, nil
}
