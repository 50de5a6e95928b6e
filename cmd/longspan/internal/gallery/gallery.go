// Package gallery writes what `image evaluate` found: numbers, crops, and one page that has both.
package gallery

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/picture/evaluate"
	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// The files that Write makes, beside the crops in the folder CropsName.
const (
	NumbersName = "evaluate.json"
	PageName    = "index.html"
	CropsName   = "crops"
)

// Results are what is written.
type Results struct {
	Run   string `json:"run"`
	Test  string `json:"test"`
	Train string `json:"train,omitempty"`
	Out   string `json:"out"`
	*evaluate.Report
	Seconds float64 `json:"seconds"`
}

// Page is a page under way.
type Page struct {
	folder   string
	crops    map[string][]crop // by track, scale and photograph
	pictures []crop            // that were generated
}

// crop is a crop of the page.
type crop struct {
	Method string
	Path   string // of the PNG, from the page
	Src    template.URL
	Width  int // pixels
}

// New makes the folder of a report.
func New(folder string) (*Page, error) {
	if err := os.MkdirAll(filepath.Join(folder, CropsName), 0o755); err != nil {
		return nil, err
	}
	return &Page{folder: folder, crops: map[string][]crop{}}, nil
}

// Crop writes a crop as PNG, and keeps it for the page. It is evaluate.Options.Crop.
func (p *Page) Crop(c evaluate.Crop, method string, m *raster.Image) error {
	png := &file.Picture{Image: m, Bits: 8}
	name := fmt.Sprintf("%02d-%s-%s-x%d-%s.png", c.Number+1, plain(c.Photo), c.Track, c.Scale, strings.ToLower(method))
	if err := file.Save(filepath.Join(p.folder, CropsName, name), png, 0); err != nil {
		return err
	}
	src, err := inline(png)
	if err != nil {
		return err
	}
	k := key(c.Track, c.Scale, c.Number)
	p.crops[k] = append(p.crops[k], crop{method, CropsName + "/" + name, src, m.Width})
	return nil
}

// thumbSide is the longer side of a generated picture in the page, in pixels, where the picture has more.
const thumbSide = 640

// Picture writes a generated picture as PNG, and keeps a small one for the page. It is evaluate.Options.Picture.
func (p *Page) Picture(seed uint64, m *raster.Image) error {
	name := fmt.Sprintf("generated-%03d.png", seed)
	if err := file.Save(filepath.Join(p.folder, name), &file.Picture{Image: m, Bits: 8}, 0); err != nil {
		return err
	}
	small := m
	if long := max(m.Width, m.Height); long > thumbSide {
		var err error
		w, h := max(1, m.Width*thumbSide/long), max(1, m.Height*thumbSide/long)
		if small, err = resample.Resize(m, w, h, resample.Lanczos3, 0); err != nil {
			return err
		}
	}
	src, err := inline(&file.Picture{Image: small, Bits: 8})
	if err != nil {
		return err
	}
	p.pictures = append(p.pictures, crop{fmt.Sprintf("seed %d", seed), name, src, small.Width})
	return nil
}

func key(track string, scale, number int) string {
	return fmt.Sprintf("%s %d %d", track, scale, number)
}

// plain is a file's name without its ending and without what a path could stumble over.
func plain(name string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
}

// inlineQuality is that of the crops in the page: their PNG files are exact.
const inlineQuality = 95

// inline is a picture as a JPEG in a data URL. Its bytes are our own, so it is safe in a page.
func inline(p *file.Picture) (template.URL, error) {
	var b bytes.Buffer
	if err := file.Write(&b, p, file.JPEG, inlineQuality); err != nil {
		return "", err
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}

//go:embed page.html
var page string

// values are what the page shows.
type values struct {
	*Results
	page *Page
}

// Crops are those of photograph number i.
func (v values) Crops(track string, scale, i int) []crop { return v.page.crops[key(track, scale, i)] }

// Pictures are those that were generated.
func (v values) Pictures() []crop { return v.page.pictures }

// Write writes the page and the numbers. Files of the same names are replaced.
func (p *Page) Write(r *Results) error {
	t, err := template.New("page").Funcs(template.FuncMap{"signed": signed, "difference": difference,
		"double": func(n int) int { return 2 * n }, "join": func(s []string) string { return strings.Join(s, ", ") }}).Parse(page)
	if err != nil {
		return err
	}
	if err := durable.Write(filepath.Join(p.folder, PageName), func(w io.Writer) error { return t.Execute(w, values{r, p}) }); err != nil {
		return err
	}
	return durable.Write(filepath.Join(p.folder, NumbersName), func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	})
}

// signed is such as +0.14.
func signed(v float64) string { return fmt.Sprintf("%+.2f", v) }

// difference is such as +0.014 (+0.003 to +0.025).
func difference(i bootstrap.Interval) string {
	return fmt.Sprintf("%+.3f (%+.3f to %+.3f)", i.Mean, i.Low, i.High)
}
