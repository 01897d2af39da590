package main

import (
	"encoding/json"
	"os"
)

// results are the measurements of a run.
type results struct {
	Machine    machine
	Empty      map[string]emptyProcess // "Go", "C"
	Objects    []objectResult
	Scale      []objectResult
	Refused    []refusedResult
	Use        []useResult
	Agents     []agentResult
	Timelines  []timeline
	Generation []generationResult
	Compile    []compileResult
}

// emptyProcess is a process that loads nothing.
type emptyProcess struct {
	Peak float64 // KiB
	Size float64 // bytes
}

// objectResult is the measurement of an object. Maps are by peer.
type objectResult struct {
	Name, What              string
	CORE                    bool
	Maps, Programs, Records int
	Steps                   int

	Cold, Warm samples
	// Missing is the reason why a peer cannot load the object.
	Missing map[string]string `json:",omitempty"`

	Insns, Blob map[string]float64 // of the loader: instructions, bytes
	// Allocs and Bytes are Go's, in the first load of a process.
	Allocs, Bytes map[string]float64
	Peak          map[string]float64 // KiB, of a process that has loaded once
	Size          map[string]float64 // bytes of the binary
	// Generated is the time to read the object and write its package, in ns.
	Generated float64
}

// generationResult is a run of a generator or the compiler.
type generationResult struct {
	What string
	N    int       // programs, maps and globals of the object
	Wall []float64 // ns
	CPU  []float64 // ns
	Peak []float64 // KiB
}

func (r *results) save(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func loadResults(path string) (*results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(results)
	return r, json.Unmarshal(text, r)
}
