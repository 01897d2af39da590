package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

// LoadOnce opens an object and makes one attempt to load it, quick or plain. Attempts that a signal
// interrupts do not count.
func LoadOnce(spec *Spec, quick bool) (*Skeleton, error) {
	features := load.AllFeatures()
	if err := features.Check(spec); err != nil {
		return nil, err
	}
	s := newSkeleton(spec, features)
	req := s.request(nil)
	loaded, failure := load.RunOnce(&req, quick)
	if failure != nil {
		return nil, newLoadError(failure)
	}
	s.take(loaded)
	loaded.Release()
	s.state = loadedState
	return s, nil
}
