package demo

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"time"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
	"github.com/longspan/longspan/picture/sample"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tensor"
)

// PicturesModel is the model that Pictures uses, by its name in package pretrained.
const PicturesModel = "photos"

// PicturesOptions configure Pictures.
type PicturesOptions struct {
	Folder  string              // the pictures are written here; it must exist
	Scale   int                 // 2, 4 or 8: the photograph is shrunk by it, and enlarged again
	Steps   int                 // of flow
	Part    image.Point         // the size of the part of the photograph, in its middle, that is used; 1280×720 is all of it
	Paint   image.Point         // the size of the picture that is painted
	Exec    tensor.Exec         // threads and memory
	Advance func(done, all int) // progress; may be nil
}

// PictureRow is a way of enlarging, compared with the photograph.
type PictureRow struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	PSNR    float64 `json:"psnr"`   // of luma, in dB, as published tables have it
	SSIM    float64 `json:"ssim"`   // of luma
	Detail  float64 `json:"detail"` // energy of the finest detail, as a share of the photograph's
	Seconds float64 `json:"seconds"`
}

// PicturesResult is the outcome of Pictures.
type PicturesResult struct {
	Model   string       `json:"model"`
	Scale   int          `json:"scale"`
	From    string       `json:"from"` // sizes
	To      string       `json:"to"`
	Rows    []PictureRow `json:"rows"`
	Painted string       `json:"painted"` // its file
	Patches int          `json:"patches"` // of the painted picture
	Paint   float64      `json:"paint_seconds"`
	Seconds float64      `json:"seconds"`
}

// Pictures shrinks a photograph that the model has not seen, enlarges it in four ways, and paints a picture from nothing.
func Pictures(ctx context.Context, o PicturesOptions) (PicturesResult, error) {
	files, err := pretrained.Files(PicturesModel)
	if err != nil {
		return PicturesResult{}, err
	}
	s, err := patchflow.OpenFiles(files, o.Exec)
	if err != nil {
		return PicturesResult{}, err
	}
	photo, err := sample.Photo()
	if err != nil {
		return PicturesResult{}, err
	}
	large, err := middle(photo.Image, o.Part, o.Scale)
	if err != nil {
		return PicturesResult{}, err
	}
	small, err := resample.Resize(large, large.Width/o.Scale, large.Height/o.Scale, resample.Bicubic, o.Exec.Threads)
	if err != nil {
		return PicturesResult{}, err
	}
	small.Round(255)
	r := PicturesResult{Model: PicturesModel, Scale: o.Scale, From: sizeOf(small), To: sizeOf(large)}
	d := pictures{o, s, ctx, small, large}
	if err := d.enlarge(&r); err != nil {
		return r, err
	}
	return r, d.paint(&r)
}

// middle cuts a part of a size, but for what is no multiple of a scale, from the middle of a picture.
func middle(m *raster.Image, size image.Point, scale int) (*raster.Image, error) {
	w, h := size.X/scale*scale, size.Y/scale*scale
	return m.Crop((m.Width-w)/2, (m.Height-h)/2, w, h)
}

func sizeOf(m *raster.Image) string { return fmt.Sprintf("%d×%d", m.Width, m.Height) }

// pictures is a demonstration under way.
type pictures struct {
	o            PicturesOptions
	s            *patchflow.Pictures
	ctx          context.Context
	small, large *raster.Image
}

func (d *pictures) enlarge(r *PicturesResult) error {
	if err := d.save("original.png", d.large); err != nil {
		return err
	}
	ways := []struct {
		name, file string
		make       func() (*raster.Image, error)
	}{
		{"Lanczos", "lanczos.png", func() (*raster.Image, error) {
			return resample.Resize(d.small, d.large.Width, d.large.Height, resample.Lanczos3, d.o.Exec.Threads)
		}},
		{"clustered filters", "filters.png", func() (*raster.Image, error) { return d.s.Base.Enlarge(d.small, d.o.Scale, d.o.Exec.Threads) }},
		{"network, one step", "enlarged.png", func() (*raster.Image, error) {
			return d.s.Enlarge(d.ctx, d.small, d.o.Scale, patchflow.Draw{})
		}},
		{"network, flow", "detail.png", func() (*raster.Image, error) {
			return d.s.Enlarge(d.ctx, d.small, d.o.Scale, patchflow.Draw{Detail: 1, Steps: d.o.Steps, Seed: 1})
		}},
	}
	for i, way := range ways {
		d.advance(i, len(ways)+1)
		began := time.Now()
		m, err := way.make()
		if err != nil {
			return err
		}
		row := PictureRow{Name: way.name, File: way.file, Seconds: time.Since(began).Seconds()}
		m.Round(255)
		if err := d.compare(&row, m); err != nil {
			return err
		}
		if err := d.save(way.file, m); err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}

func (d *pictures) compare(row *PictureRow, m *raster.Image) (err error) {
	if row.PSNR, err = measure.PSNRLuma(m, d.large, d.o.Scale); err != nil {
		return err
	}
	row.PSNR += measure.LimitedRange
	if row.SSIM, err = measure.SSIM(m, d.large); err != nil {
		return err
	}
	own, err := measure.TopOctave(m)
	if err != nil {
		return err
	}
	real, err := measure.TopOctave(d.large)
	row.Detail = own / real
	return err
}

// paint paints a picture, and leaves the progress at its end.
func (d *pictures) paint(r *PicturesResult) error {
	const all = 5
	d.advance(all-1, all)
	began := time.Now()
	d.s.Step = func(_, _, patches int) { r.Patches = max(r.Patches, patches) }
	m, err := d.s.Generate(d.ctx, patchflow.Painting{Width: d.o.Paint.X, Height: d.o.Paint.Y, Steps: patchflow.DefaultSteps, Seed: 1})
	if err != nil {
		return err
	}
	r.Painted, r.Paint = "painted.png", time.Since(began).Seconds()
	d.advance(all, all)
	return d.save(r.Painted, m)
}

func (d *pictures) advance(done, all int) {
	if d.o.Advance != nil {
		d.o.Advance(done, all)
	}
}

func (d *pictures) save(name string, m *raster.Image) error {
	return file.Save(filepath.Join(d.o.Folder, name), &file.Picture{Image: m, Bits: 8}, 0)
}
