// Package pathfinder makes the task Pathfinder: an image with two dots and many dashed curves, and the question
// whether one curve joins the dots. An image is a sequence of pixels, row by row, so that what has to be followed
// goes back and forth through all of it. Linsley et al. 2018, arXiv:1805.08315; as a sequence of pixels, the
// Long Range Arena, Tay et al. 2020, arXiv:2011.04006, section 2.2.5, whose images are 32 × 32 (Pathfinder) and
// 128 × 128 (Path-X), with curves of 14 dashes.
//
// The images are drawn anew by the paper's rules, not by its program: each holds two long curves and shorter ones
// that distract; the dots are at both ends of one long curve, or at an end of each. Curves keep apart by more
// than the gaps between their dashes, so every image can be solved (the tests do). Dashes are 1.6 pixels long and
// 0.9 apart whatever the size, so that a larger image is a longer way and not the same one enlarged; a gap shows
// as darker pixels.
package pathfinder

import (
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

// Config says which images.
type Config struct {
	Size        int        // pixels a side, 16 … 256; 0 is 32
	Dashes      int        // of a long curve; 0 is 14 for 32 pixels, in proportion above, and fewer below
	Distractors int        // curves of a third as many dashes; 0 is 3 for 32 pixels and in proportion; −1 is none
	Examples    int        // in the part; 0 is 160,000 to train on, and 20,000 for validation and test each
	Split       data.Split // draws other images for each part
	Seed        uint64
}

// maxExamples is the numbers of examples that an image is drawn by.
const maxExamples = 1 << 60

// Task is a data.Dataset of images with their labels.
type Task struct{ config Config }

// New returns the task.
func New(c Config) (*Task, error) {
	setDefault(&c.Size, 32)
	setDefault(&c.Dashes, max(3, 14*c.Size*min(c.Size, 32)/(32*32)))
	setDefault(&c.Distractors, max(1, 3*c.Size/32))
	if c.Split == data.Train {
		setDefault(&c.Examples, 160_000)
	} else {
		setDefault(&c.Examples, 20_000)
	}
	c.Distractors = max(c.Distractors, 0)
	if c.Size < 16 || c.Size > 256 {
		return nil, fmt.Errorf("pathfinder: images of %d pixels a side; expected 16 … 256", c.Size)
	}
	if c.Dashes < 3 || c.Examples < 1 || c.Examples > maxExamples {
		return nil, fmt.Errorf("pathfinder: curves of %d dashes and %d examples; expected at least 3, and 1 … %d", c.Dashes, c.Examples, int64(maxExamples))
	}
	dashes := 2*float64(c.Dashes) + float64(c.Distractors)*float64(c.Dashes/3) // which no int need hold
	if area := dashes * pitch * clearance; area > 0.5*float64(c.Size*c.Size) {
		return nil, fmt.Errorf("pathfinder: %.0f dashes need %.0f pixels with their clearance, more than half of %d × %d; "+
			"ask for shorter curves, fewer distractors or larger images", dashes, area, c.Size, c.Size)
	}
	return &Task{c}, nil
}

func setDefault(n *int, value int) {
	if *n == 0 {
		*n = value
	}
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

// maxTries bounds how often an image is begun anew because its curves found no room.
const maxTries = 1000

// Append adds image index, the same in every epoch: Size² tokens and a label.
func (t *Task) Append(dst *data.Batch, _, index int) error {
	c := t.config
	if index < 0 || index >= c.Examples {
		return fmt.Errorf("pathfinder: example %d of %d", index, c.Examples)
	}
	r := data.NewRandom(c.Seed, uint64(c.Split)<<60|uint64(index))
	joined := r.IntN(2)
	for range maxTries {
		s := scene{random: r, size: float64(c.Size)}
		if !s.draw(c.Dashes, c.Distractors) {
			continue
		}
		a, b := s.curves[0], s.curves[1]
		dots := []point{a[0].from, a[len(a)-1].to}
		if joined == 0 {
			dots[1] = b[0].from
		}
		begin := len(dst.Tokens)
		dst.Tokens = append(dst.Tokens, make([]int32, c.Size*c.Size)...)
		s.render(dst.Tokens[begin:], c.Size, dots)
		dst.Lengths = append(dst.Lengths, c.Size*c.Size)
		dst.Labels = append(dst.Labels, int32(joined))
		return nil
	}
	return fmt.Errorf("pathfinder: no room for the curves in %d images; ask for shorter curves, fewer distractors or larger images", maxTries)
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
