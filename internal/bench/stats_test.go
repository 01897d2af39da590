package main

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	v := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %g of %v is %g, want %g", q, v, got, want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing is %g", got)
	}
}

func TestExponent(t *testing.T) {
	x := []float64{1, 10, 100, 1000}
	for _, e := range []float64{0.5, 1, 2} {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = 3 * math.Pow(x[i], e)
		}
		if got := exponent(x, y); math.Abs(got-e) > 1e-9 {
			t.Errorf("exponent of 3 x^%g is %g", e, got)
		}
	}
}

// A disturbance of both values of a pair does not affect their ratio.
func TestRatioIsPairwise(t *testing.T) {
	var a, b []float64
	for i := range 50 {
		noise := 1 + float64(i*i%17)
		a, b = append(a, 2*noise), append(b, 4*noise)
	}
	got := ratio(a, b)
	if got != (interval{0.5, 0.5, 0.5}) {
		t.Errorf("ratio is %v, want exactly 0.5", got)
	}
}

func TestIntervalHoldsTheMedian(t *testing.T) {
	var a, b []float64
	for i := range 101 {
		a, b = append(a, float64(50+i)), append(b, 100)
	}
	got := ratio(a, b)
	if got.Value != 1 || got.Low >= 1 || got.High <= 1 || got.Low < 0.8 || got.High > 1.2 {
		t.Errorf("ratio is %v, want 1 in an interval of some width", got)
	}
}

func TestGeometricMean(t *testing.T) {
	got := geometricMean([][]float64{{0.5, 0.5, 0.5}, {2, 2}})
	if math.Abs(got.Value-1) > 1e-9 {
		t.Errorf("geometric mean of 0.5 and 2 is %g", got.Value)
	}
}

func TestGrowthOfBaseline(t *testing.T) {
	was := baseline{Clang: "c", Go: "g", Objects: map[string]fixed{"x": {10, 20, 30, 40}}}
	for name, c := range map[string]struct {
		now  baseline
		want int
	}{
		"the same":           {baseline{"c", "g", map[string]fixed{"x": {10, 20, 30, 40}}}, 0},
		"less":               {baseline{"c", "g", map[string]fixed{"x": {9, 19, 29, 39}}}, 0},
		"more instructions":  {baseline{"c", "g", map[string]fixed{"x": {11, 20, 30, 40}}}, 1},
		"more of everything": {baseline{"c", "g", map[string]fixed{"x": {11, 21, 31, 41}}}, 4},
		"another compiler":   {baseline{"d", "g", map[string]fixed{"x": {11, 21, 30, 40}}}, 0},
		"another Go":         {baseline{"c", "h", map[string]fixed{"x": {10, 20, 31, 41}}}, 0},
		"a new object":       {baseline{"c", "g", map[string]fixed{"y": {1, 1, 1, 1}}}, 1},
	} {
		if got := c.now.compare(was); got != c.want {
			t.Errorf("%s: %d figures have grown, want %d", name, got, c.want)
		}
	}
}
