package main

import (
	"image/color"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Colors and shapes of peers, which differ in shape too.
var looks = map[string]draw.GlyphStyle{
	ours:   {Color: color.RGBA{0xd5, 0x5e, 0x00, 0xff}, Shape: draw.CircleGlyph{}, Radius: vg.Points(4)},
	alone:  {Color: color.RGBA{0xe6, 0x9f, 0x00, 0xff}, Shape: draw.PlusGlyph{}, Radius: vg.Points(4)},
	light:  {Color: color.RGBA{0x00, 0x72, 0xb2, 0xff}, Shape: draw.BoxGlyph{}, Radius: vg.Points(3.5)},
	cilium: {Color: color.RGBA{0x00, 0x9e, 0x73, 0xff}, Shape: draw.PyramidGlyph{}, Radius: vg.Points(4)},
	full:   {Color: color.RGBA{0xcc, 0x79, 0xa7, 0xff}, Shape: draw.RingGlyph{}, Radius: vg.Points(3.5)},
	bottom: {Color: color.RGBA{0x55, 0x55, 0x55, 0xff}, Shape: draw.CrossGlyph{}, Radius: vg.Points(3.5)},
}

// plot writes an SVG for each figure, and one for growth.
func (r *results) plot(dir string) error {
	for _, f := range figures {
		if err := r.plotFigure(f, filepath.Join(dir, f.File+".svg")); err != nil {
			return err
		}
	}
	if err := r.plotTimelines(dir); err != nil {
		return err
	}
	if len(r.growths()) == 0 {
		return nil
	}
	return r.plotScale(filepath.Join(dir, "scale.svg"))
}

// plotFigure plots the objects side by side, with a mark for each peer on a logarithmic axis.
func (r *results) plotFigure(f figure, path string) error {
	p := plot.New()
	p.Title.Text = f.Title
	p.Y.Label.Text = f.Unit
	logarithmic(&p.Y)
	p.Add(plotter.NewGrid())
	var names []string
	for i := range r.Objects {
		names = append(names, r.Objects[i].Name)
	}
	for _, id := range f.Peers {
		var points plotter.XYs
		for i := range r.Objects {
			// Missing values and zero have no place on a logarithmic axis.
			if v := f.Value(r, &r.Objects[i], id); v > 0 {
				points = append(points, plotter.XY{X: float64(i), Y: v})
			}
		}
		if len(points) == 0 {
			continue
		}
		marks, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		marks.GlyphStyle = looks[id]
		p.Add(marks)
		p.Legend.Add(title(id), marks)
	}
	p.NominalX(names...)
	p.X.Tick.Label.Rotation = math.Pi / 3
	p.X.Tick.Label.XAlign = draw.XRight
	p.X.Tick.Label.YAlign = draw.YCenter
	p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
	legend(p)
	return p.Save(24*vg.Centimeter, 12*vg.Centimeter, path)
}

// plotScale plots the time of a load over the number of programs.
func (r *results) plotScale(path string) error {
	p := plot.New()
	p.Title.Text = "Load, cold, by number of programs, maps and globals"
	p.X.Label.Text = "programs"
	p.Y.Label.Text = "ms"
	logarithmic(&p.X)
	logarithmic(&p.Y)
	p.Add(plotter.NewGrid())
	for _, peer := range peers {
		var points plotter.XYs
		for i := range r.Scale {
			o := &r.Scale[i]
			if v := median(of(o.Cold[peer.ID], wall)) / 1e6; strings.HasPrefix(o.Name, "scale_") && v > 0 {
				points = append(points, plotter.XY{X: float64(o.Programs), Y: v})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		marks.GlyphStyle = looks[peer.ID]
		line.Color = looks[peer.ID].Color
		p.Add(line, marks)
		p.Legend.Add(peer.Title, line, marks)
	}
	legend(p)
	return p.Save(16*vg.Centimeter, 12*vg.Centimeter, path)
}

func logarithmic(a *plot.Axis) {
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.LogTicks{Prec: -1}
}

func legend(p *plot.Plot) {
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.YOffs = -vg.Points(4)
	p.Legend.XOffs = vg.Points(4)
	p.Legend.Padding = vg.Points(2)
	// Room above the marks.
	p.Y.Max = math.Max(p.Y.Max*6, p.Y.Min*100)
}
