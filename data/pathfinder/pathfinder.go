// Package pathfinder makes the task Pathfinder: an image with two dots and many dashed curves, and the question whether one curve
// joins the dots. An image is a sequence of pixels, row by row, so a curve runs back and forth through the whole sequence. Linsley
// et al. 2018, arXiv:1805.08315; as a sequence of pixels, the Long Range Arena, Tay et al. 2020, arXiv:2011.04006, section 2.2.5,
// whose images are 32 × 32 (Pathfinder) and 128 × 128 (Path-X), with curves of 14 dashes.
//
// The images are drawn by the published rules, but not by the authors' program (github.com/drewlinsley/pathfinder,
// snakes2.py, whose settings stand below in brackets). The same is:
//   - An image holds two long curves of as many dashes (6, 9 or 14; the Arena's harder set has 14) and distractors of a
//     third as many. All are grown dash by dash, each bent a little from the one before it, and keep apart.
//   - The long curves begin near each other, and the dots are where one of them begins and where, equally often, it or
//     the other ends, so that how far the dots are apart tells little.
//   - The Arena's numbers of examples: 160,000, 20,000 and 20,000.
//
// What differs:
//   - Images are drawn at their size, with smooth edges. The published ones are drawn larger (300 × 300) and made
//     smaller, which blurs. Dashes are 1.6 pixels long and 0.9 apart (5 and 3, of 300) whatever the size, so that a
//     larger image is a longer way and not the same one enlarged: 14 dashes at 32 pixels, 56 at 128, where the Arena's
//     Path-X has 14 at both. Config.Dashes chooses otherwise.
//   - Curves keep apart by more than the gaps between their dashes, and dots by more from other curves, so that every
//     image can be solved (the tests do). In the published ones curves may come as near as the dashes of one.
//   - There are 3 distractors at 32 pixels (15 in 300 × 300), in proportion above.
//   - The curves begin 6 to 7 pixels apart (27 of 300), as near as two dots can be seen apart. A guess by the distance of
//     the dots alone is right in 54 of 100 images of 32 or 64 pixels.
//   - A dash bends by an angle even over ±31° (by a curvature that the setting continuity bounds), all dashes are as
//     bright as the others, and no image has single dashes.
//
// Small differences to published accuracies therefore mean nothing: the task is the same, the pictures are not.
package pathfinder

import (
	"cmp"
	"fmt"
	"image"
	"image/png"
	"io"

	"github.com/longspan/longspan/data"
)

// Vocab is the number of tokens: a pixel is 0 (black) … 255 (white).
const Vocab = 256

// Classes is the number of labels: 0 where the dots are on different curves, 1 where one curve joins them.
const Classes = 2

// Config is the distribution of the images.
type Config struct {
	Size        int        // pixels per side, 16 … 256; 0 is 32
	Dashes      int        // of a long curve; 0 is 14 for 32 pixels, in proportion above, and fewer below
	Distractors int        // curves of a third as many dashes; 0 is 3 for 32 pixels and in proportion; −1 is none
	Examples    int        // in the part; 0 is 160,000 to train on, and 20,000 for validation and test each
	Split       data.Split // draws other images for each part
	Seed        uint64
}

// maxExamples is the largest number of examples. An image is drawn by its index.
const maxExamples = 1 << 60

// Task is a data.Dataset of images with their labels.
type Task struct{ config Config }

// New returns the task.
func New(c Config) (*Task, error) {
	c.Size = cmp.Or(c.Size, 32)
	c.Dashes = cmp.Or(c.Dashes, max(3, 14*c.Size*min(c.Size, 32)/(32*32)))
	c.Distractors = cmp.Or(c.Distractors, max(1, 3*c.Size/32))
	if c.Split == data.Train {
		c.Examples = cmp.Or(c.Examples, 160_000)
	} else {
		c.Examples = cmp.Or(c.Examples, 20_000)
	}
	c.Distractors = max(c.Distractors, 0)
	if c.Size < 16 || c.Size > 256 {
		return nil, fmt.Errorf("pathfinder: images of %d pixels per side; expected 16 … 256", c.Size)
	}
	if c.Dashes < 3 || c.Examples < 1 || int64(c.Examples) > maxExamples {
		return nil, fmt.Errorf("pathfinder: curves of %d dashes and %d examples; expected at least 3, and 1 … %d",
			c.Dashes, c.Examples, int64(maxExamples))
	}
	dashes := 2*float64(c.Dashes) + float64(c.Distractors)*float64(c.Dashes/3) // may be too large for an int
	if area := dashes * pitch * clearance; area > 0.5*float64(c.Size*c.Size) {
		return nil, fmt.Errorf("pathfinder: %.0f dashes need %.0f pixels with their clearance, more than half of %d × %d; "+
			"ask for shorter curves, fewer distractors or larger images", dashes, area, c.Size, c.Size)
	}
	return &Task{c}, nil
}

// Len is the number of examples.
func (t *Task) Len() int { return t.config.Examples }

// Vocab is the number of tokens.
func (t *Task) Vocab() int { return Vocab }

// Classes is the number of labels.
func (t *Task) Classes() int { return Classes }

// Chance is the accuracy of a guess.
func (t *Task) Chance() float64 { return 0.5 }

// Size is the pixels a side.
func (t *Task) Size() int { return t.config.Size }

// maxTries bounds the attempts to draw an image whose curves find room.
const maxTries = 1000

// Append adds image index, the same in every epoch: Size² tokens and a label.
func (t *Task) Append(dst *data.Batch, _, index int) error {
	c := t.config
	if index < 0 || index >= c.Examples {
		return fmt.Errorf("pathfinder: example %d of %d", index, c.Examples)
	}
	s, dots, joined, err := c.scene(index)
	if err != nil {
		return err
	}
	begin := len(dst.Tokens)
	dst.Tokens = append(dst.Tokens, make([]int32, c.Size*c.Size)...)
	s.render(dst.Tokens[begin:], c.Size, dots)
	dst.Lengths = append(dst.Lengths, c.Size*c.Size)
	dst.Labels = append(dst.Labels, joined)
	return nil
}

// scene draws the curves of image index. The dots are at the start of one long curve, and at the end of the same curve if joined is 1, else
// of the other.
func (c Config) scene(index int) (s *scene, dots []point, joined int32, err error) {
	r := data.NewRandom(c.Seed, uint64(c.Split)<<60|uint64(index))
	joined = int32(r.IntN(2))
	begins := r.IntN(2)
	ends := begins
	if joined == 0 {
		ends = 1 - begins
	}
	for range maxTries {
		s := &scene{random: r, size: float64(c.Size)}
		if !s.draw(c.Dashes, c.Distractors) {
			continue
		}
		last := s.curves[ends]
		return s, []point{s.curves[begins][0].from, last[len(last)-1].to}, joined, nil
	}
	return nil, nil, 0, fmt.Errorf("pathfinder: no room for the curves in %d images; "+
		"ask for shorter curves, fewer distractors or larger images", maxTries)
}

// Image is the picture of one sequence of size² tokens.
func Image(tokens []int32, size int) (*image.Gray, error) {
	if size < 1 || len(tokens) != size*size {
		return nil, fmt.Errorf("pathfinder: %d tokens are not an image of %d × %d", len(tokens), size, size)
	}
	img := image.NewGray(image.Rect(0, 0, size, size))
	for i, token := range tokens {
		if token < 0 || token >= Vocab {
			return nil, fmt.Errorf("pathfinder: token %d is %d; expected a pixel of 0 … 255", i, token)
		}
		img.Pix[i/size*img.Stride+i%size] = uint8(token)
	}
	return img, nil
}

// WritePNG writes the picture of one sequence, each pixel as a square of zoom × zoom.
func WritePNG(w io.Writer, tokens []int32, size, zoom int) error {
	small, err := Image(tokens, size)
	if err != nil {
		return err
	}
	if zoom < 1 || zoom > 64 {
		return fmt.Errorf("pathfinder: zoom %d; expected 1 … 64", zoom)
	}
	img := image.NewGray(image.Rect(0, 0, size*zoom, size*zoom))
	for y := range size * zoom {
		for x := range size * zoom {
			img.SetGray(x, y, small.GrayAt(x/zoom, y/zoom))
		}
	}
	return png.Encode(w, img)
}
