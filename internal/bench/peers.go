package main

// peer is a way to load objects.
type peer struct {
	ID    string // in file names and flags
	Title string
	Go    bool
	// build builds the binary for an object and returns its path.
	build func(b *builder, s *subject) (string, error)
}

const (
	ours   = "bpf2lskel"
	alone  = "alone"
	light  = "light"
	cilium = "cilium"
	full   = "libbpf"
	bottom = "floor"
)

var peers = []peer{
	{ID: ours, Title: "bpf2lskel", Go: true, build: (*builder).buildOurs},
	{ID: alone, Title: "bpf2lskel, one thread", Go: true, build: (*builder).buildAlone},
	{ID: light, Title: "C light skeleton", build: (*builder).buildLight},
	{ID: cilium, Title: "cilium/ebpf", Go: true, build: (*builder).buildCilium},
	{ID: full, Title: "libbpf", build: (*builder).buildFull},
	{ID: bottom, Title: "floor", Go: true, build: (*builder).buildFloor},
}

// title returns a peer's name in text.
func title(id string) string {
	for _, p := range peers {
		if p.ID == id {
			return p.Title
		}
	}
	return id
}

// rivals are all peers but ours.
func rivals() []peer { return peers[1:] }
