package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// write writes benchmarks.md, and the plots into a directory beside it.
func (r *results) write(dir string) error {
	plots := filepath.Join(dir, "benchmarks")
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	if len(r.all()) > 0 { // refused loads have no plots
		if err := r.plot(plots); err != nil {
			return err
		}
	}
	var doc bytes.Buffer
	r.markdown(&doc)
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), doc.Bytes(), 0o644)
}

// table prints the figures for a terminal.
func (r *results) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, f := range figures {
		fmt.Fprintf(w, "\n%s, %s\t", f.Title, f.Unit)
		for _, id := range f.Peers {
			fmt.Fprintf(w, "%s\t", title(id))
		}
		fmt.Fprintln(w)
		for _, o := range r.all() {
			fmt.Fprintf(w, "%s\t", o.Name)
			for _, id := range f.Peers {
				fmt.Fprintf(w, "%s\t", number(f.Value(r, o, id)))
			}
			fmt.Fprintln(w)
		}
	}
	for _, when := range []string{"cold", "warm"} {
		fmt.Fprintf(w, "\nratio, %s\t", when)
		for _, p := range rivals() {
			fmt.Fprintf(w, "to %s\t", p.Title)
		}
		fmt.Fprintln(w)
		for _, o := range r.all() {
			fmt.Fprintf(w, "%s\t", o.Name)
			for _, p := range rivals() {
				fmt.Fprintf(w, "%s\t", o.ratioText(when, p.ID))
			}
			fmt.Fprintln(w)
		}
	}
	r.tableRefused(w)
	r.tableUse(w)
	r.tableAgents(w)
	r.tableCompile(w)
	fmt.Fprintln(w, "\ntarget\tat most\tmeasured\t")
	for _, t := range r.targets() {
		fmt.Fprintf(w, "%s\t%g\t%s\t\n", t.Text, t.Most, t.value())
	}
	fmt.Fprintln(w, "\ngrowth\texponent\tfrom 10 on\tper program at 1,000 against 10\t")
	for _, g := range r.growths() {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t\n", g.Title, g.All, g.From10, g.PerProgram)
	}
	return w.Flush()
}

// all returns the objects, growing ones last.
func (r *results) all() []*objectResult {
	var all []*objectResult
	for i := range r.Objects {
		all = append(all, &r.Objects[i])
	}
	for i := range r.Scale {
		all = append(all, &r.Scale[i])
	}
	return all
}

// ratioText returns our time relative to a rival's, with its interval.
func (o *objectResult) ratioText(when, rival string) string {
	s := o.Cold
	if when == "warm" {
		s = o.Warm
	}
	if len(s[rival]) == 0 {
		return ""
	}
	v := ratio(of(s[ours], wall), of(s[rival], wall))
	return fmt.Sprintf("%s (%s-%s)", number(v.Value), number(v.Low), number(v.High))
}

func (t target) value() string {
	text := number(t.Value)
	if t.High != 0 {
		text += fmt.Sprintf(" (%s-%s)", number(t.Low), number(t.High))
	}
	return text
}

func (t target) met() bool { return t.Value <= t.Most }

// number formats with three significant digits.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case math.Abs(v) >= 100:
		return thousands(fmt.Sprintf("%.0f", v))
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	case math.Abs(v) >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
