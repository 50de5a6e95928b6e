package pathfinder

import (
	"math"

	"github.com/longspan/longspan/data"
)

// Lengths in pixels. Dashes of a curve are dashGap apart, end to end.
//
// Call a pixel lit where it has half the light of a dash: its centre is within 0.5 of the dash's line. Wherever a
// dash goes it lights a pixel in each column (or row) it passes, so the next lit pixel of the same curve is never
// farther than 2.3, gaps included. Curves keep clearance between their lines: more than 2.3 + 2·0.5. A dot is
// lit to 1.65 from its centre, and keeps 2.3 + 1.65 + 0.5 from other curves and 2.3 + 2·1.65 from a dot on one.
const (
	dashLength  = 1.6
	dashGap     = 0.9
	pitch       = dashLength + dashGap
	thickness   = 1.0
	clearance   = 3.4
	dotRadius   = 1.5
	dotDistance = 4.5 // of an end that may bear a dot to other curves
	dotsApart   = 5.7 // of such ends of different curves
	border      = dotRadius + 0.5
	// Where the long curves begin: as near as their dots allow, and up to a pixel more.
	startsApart, startsMore = dotsApart + 0.3, 1.0

	turn      = 0.55 // largest angle between a dash and the dash before it, in radians (31°)
	dashLight = 180.0
	dotLight  = 255.0

	stepTries  = 6  // to add a dash to a curve
	curveTries = 80 // to place a curve
)

type point struct{ x, y float64 }

type dash struct{ from, to point }

// scene holds the curves of an image.
type scene struct {
	random *data.Random
	size   float64
	curves [][]dash
}

// draw places two long curves and the distractors. It returns false if there was no room.
func (s *scene) draw(dashes, distractors int) bool {
	lengths := []int{dashes, dashes}
	for range distractors {
		lengths = append(lengths, max(2, dashes/3))
	}
	for _, n := range lengths {
		placed := false
		for range curveTries {
			if curve := s.curve(n); curve != nil {
				s.curves = append(s.curves, curve)
				placed = true
				break
			}
		}
		if !placed {
			return false
		}
	}
	return true
}

// curve grows a curve dash by dash from a random place, or near the beginning of the first if it is the second, or
// returns nil where it got stuck.
func (s *scene) curve(n int) []dash {
	at := point{border + s.random.Float64()*(s.size-2*border), border + s.random.Float64()*(s.size-2*border)}
	if len(s.curves) == 1 {
		at = along(s.curves[0][0].from, s.random.Float64()*2*math.Pi, startsApart+s.random.Float64()*startsMore)
	}
	angle := s.random.Float64() * 2 * math.Pi
	curve := make([]dash, 0, n)
	for len(curve) < n {
		grown := false
		for range stepTries {
			bend := (2*s.random.Float64() - 1) * turn
			if len(curve) == 0 {
				bend = 0
			}
			d := dash{at, along(at, angle+bend, dashLength)}
			if s.fits(d, curve, len(s.curves) < dotted && (len(curve) == 0 || len(curve) == n-1)) {
				curve = append(curve, d)
				angle += bend
				at = along(d.to, angle, dashGap)
				grown = true
				break
			}
		}
		if !grown {
			return nil
		}
	}
	return curve
}

func along(p point, angle, length float64) point {
	return point{p.x + length*math.Cos(angle), p.y + length*math.Sin(angle)}
}

// dotted is the number of long curves, whose ends may bear dots. They are the first.
const dotted = 2

// fits reports whether a dash keeps clear of the border, of all other curves and of its own curve's older dashes.
// end: the dash may bear a dot.
func (s *scene) fits(d dash, own []dash, end bool) bool {
	for _, p := range []point{d.from, d.to} {
		if min(p.x, p.y) < border || max(p.x, p.y) > s.size-border {
			return false
		}
	}
	for c, curve := range s.curves {
		for i, other := range curve {
			room := clearance
			switch otherEnd := c < dotted && (i == 0 || i == len(curve)-1); {
			case end && otherEnd:
				room = dotsApart
			case end || otherEnd:
				room = dotDistance
			}
			if near(d, other, room) {
				return false
			}
		}
	}
	for i, other := range own {
		if i < len(own)-2 && near(d, other, clearance) {
			return false
		}
	}
	return true
}

// near reports whether the nearest points of two dashes are less than room apart. Of dashes that do not cross one is
// an end; crossing ones have ends within dashLength/√2, which is less than any room asked for.
func near(a, b dash, room float64) bool {
	if max(math.Abs(a.from.x-b.from.x), math.Abs(a.from.y-b.from.y)) > room+2*dashLength {
		return false // as most are
	}
	return min(pointDistance(a.from, b), pointDistance(a.to, b), pointDistance(b.from, a), pointDistance(b.to, a)) < room
}

func pointDistance(p point, d dash) float64 {
	dx, dy := d.to.x-d.from.x, d.to.y-d.from.y
	t := ((p.x-d.from.x)*dx + (p.y-d.from.y)*dy) / (dx*dx + dy*dy)
	t = min(max(t, 0), 1)
	return math.Hypot(p.x-d.from.x-t*dx, p.y-d.from.y-t*dy)
}

// render draws curves and dots into size² pixels. The light of a pixel falls off over one pixel at an edge.
func (s *scene) render(pixels []int32, size int, dots []point) {
	for _, curve := range s.curves {
		for _, d := range curve {
			box(d.from, d.to, thickness/2+0.5, size, func(x, y int, centre point) {
				light(&pixels[y*size+x], dashLight*edge(thickness/2-pointDistance(centre, d)))
			})
		}
	}
	for _, dot := range dots {
		box(dot, dot, dotRadius+0.5, size, func(x, y int, centre point) {
			light(&pixels[y*size+x], dotLight*edge(dotRadius-math.Hypot(centre.x-dot.x, centre.y-dot.y)))
		})
	}
}

// edge is the share of a pixel that is covered where its centre is inside the edge by d.
func edge(d float64) float64 { return min(max(d+0.5, 0), 1) }

func light(pixel *int32, value float64) { *pixel = max(*pixel, int32(math.Round(value))) }

// box calls f for each pixel within reach of a and b or, at the corners, a little farther.
func box(a, b point, reach float64, size int, f func(x, y int, centre point)) {
	x0, x1 := int(min(a.x, b.x)-reach), int(max(a.x, b.x)+reach)
	y0, y1 := int(min(a.y, b.y)-reach), int(max(a.y, b.y)+reach)
	for y := max(y0, 0); y <= min(y1, size-1); y++ {
		for x := max(x0, 0); x <= min(x1, size-1); x++ {
			f(x, y, point{float64(x) + 0.5, float64(y) + 0.5})
		}
	}
}
