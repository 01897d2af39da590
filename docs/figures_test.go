package docs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/docpart"
)

// The figures in choose.md are copied from benchmarks.md.
func TestChooseFigures(t *testing.T) {
	peers := []string{"bpf2lskel", "cilium/ebpf", "libbpf", "C light skeleton"}
	var b strings.Builder
	b.WriteString("| | object | " + strings.Join(peers, " | ") + " |\n|---|---|---|---|---|---|\n")
	for _, figure := range []struct{ heading, title string }{
		{"## Load, cold", "first load of a process, ms"},
		{"## Peak memory", "peak memory, KiB above an empty program"},
		{"## Size of the binary", "size of the binary, KiB"},
	} {
		table := tableRows(t, section(t, "benchmarks.md", figure.heading))
		for _, object := range []string{"counter", "opensnoop", "agent"} {
			i := slices.IndexFunc(table, func(row []string) bool { return row[0] == object })
			if i < 0 {
				t.Fatalf("benchmarks.md: no row %s under %q", object, figure.heading)
			}
			fmt.Fprintf(&b, "| %s | %s |", figure.title, object)
			for _, peer := range peers {
				column := slices.Index(table[0], peer)
				if column < 0 {
					t.Fatalf("benchmarks.md: no column %s under %q", peer, figure.heading)
				}
				value, _, _ := strings.Cut(table[i][column], " ") // without its spread
				fmt.Fprintf(&b, " %s |", value)
			}
			b.WriteString("\n")
		}
	}
	docpart.Check(t, "choose.md", "figures", b.String(), *update)
}

// tableRows returns the rows of the first table in a text, including its head.
func tableRows(t *testing.T, text string) [][]string {
	t.Helper()
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if rows != nil {
				break
			}
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 {
		t.Fatal("no table")
	}
	return rows
}
