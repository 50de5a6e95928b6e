package genome

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/vcf"
)

// allocated is the number of bytes that f takes, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// held is the number of bytes that are in use after f.
func held(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// A move to the left does not copy the repeat once for each allele.
func TestMemoryOfNormalize(t *testing.T) {
	const bases, alleles = 20_000, 200
	ref := reference(t, ">a\n"+strings.Repeat("A", bases)+"\n")
	v := Variant{"a", bases, "A", nil}
	for range alleles {
		v.Alts = append(v.Alts, "AA")
	}
	var got Variant
	var err error
	if n := allocated(func() { got, err = Normalize(ref, v) }); n > 1<<20 {
		t.Errorf("took %d bytes", n)
	}
	if err != nil || got.Pos != 1 || got.Ref != "A" || got.Alts[alleles-1] != "AA" {
		t.Errorf("%d %s %d, %v", got.Pos, got.Ref, len(got.Alts), err)
	}
}

// A sample's alleles do not keep the other alleles of their rows.
func TestMemoryOfSites(t *testing.T) {
	const rows = 20
	ref := reference(t, ">20\n"+strings.Repeat("A", rows)+"\n")
	alts := "C" + strings.Repeat(",G", 20_000)
	file := strings.Replace(head, ",length=24", "", 1)
	for i := range rows {
		file += row("20", i+1, "A", alts, ".", "0|1", "0|0")
	}
	var s *Sites
	n := held(func() {
		var err error
		if s, err = ReadSites(ref, strings.NewReader(file), "in.vcf", SampleOptions{Sample: "one"}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 300_000 {
		t.Errorf("%d rows hold %d bytes", rows, n)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(file)
}

// Rows of one position are compared with each other without keeping them.
func TestMemoryOfDuplicates(t *testing.T) {
	s := &surveyor{at: map[digest]bool{}, passed: map[string]bool{}}
	long := strings.Repeat("A", 1<<16)
	n := held(func() {
		for i := range 20 {
			s.order(&vcf.Record{Chrom: "20", Pos: 1, Ref: fmt.Sprint(i%10) + long})
		}
	})
	if n > 300_000 || s.Duplicates != 10 {
		t.Errorf("rows hold %d bytes; %d there twice, want 10", n, s.Duplicates)
	}
	runtime.KeepAlive(s)
}

// The names of contigs that the reference has not are remembered, up to a bound.
func TestMemoryOfNames(t *testing.T) {
	p := NewPlacer(reference(t, small), &vcf.Header{})
	p.names = maxNameBytes - 2
	if _, _, err := p.Contig("20"); err != nil {
		t.Error(err)
	}
	_, _, err := p.Contig("x")
	if want := "more than 1048576 names of contigs, or than 64 MiB"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
