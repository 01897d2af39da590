package runtime

// LoadOnce opens an object and makes one attempt to load it: quick or plain.
func LoadOnce(spec *Spec, quick bool) (*Skeleton, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	s := newSkeleton(spec)
	l := loading{Skeleton: s, spec: spec, opts: &LoadOptions{}, logStep: -1, quick: quick}
	if failure := l.attempt(); failure != nil {
		return nil, failure
	}
	s.state = loaded
	return s, nil
}
