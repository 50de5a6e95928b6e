package genome

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/vcf"
)

const head = "##fileformat=VCFv4.2\n##contig=<ID=chr20,length=24>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"

// row is a row of two samples.
func row(chrom string, pos int, ref, alt, info, one, two string) string {
	return fmt.Sprintf("%s\t%d\t.\t%s\t%s\t.\t.\t%s\tGT\t%s\t%s\n", chrom, pos, ref, alt, info, one, two)
}

const small = ">20\nACGTACGTACGTRCAAAAAAGTNN\n"

func TestSurvey(t *testing.T) {
	file := head +
		row("chr20", 0, "N", "A", ".", "0|0", "0|0") + // line 4
		row("chr20", 1, "A", "C,<DEL>,*,A[20:1[,<NON_REF>", "AF=0.5;AC=1;AN=4", "0|1", "0/1") +
		row("chr20", 2, "C", ".", ".", "0|0", "0|0") +
		row("chr20", 2, "C", "c", ".", "1|1", "1") +
		row("chr20", 3, "T", "A", "AF=0.5;AC=2;AN=4", "0|1", "./.") + // REF is G
		row("chr20", 13, "A", "T", ".", "0|1", "0|1") + // the first base of R
		row("chr20", 19, "A", "AA", ".", "0|1", "0|1") +
		row("chr20", 19, "A", "AA", ".", "0|1", "0|1") + // twice
		row("chr20", 5, "AC", "GT", ".", "0|1", "0|1") + // out of order
		row("chr20", 5, "AC", "AR", ".", "0|1", "0|1") +
		row("chr20", 24, "NA", "A", ".", "0|1", "0|1") +
		row("chr20", 25, "N", "A", ".", "0|1", "0|1") +
		row("21", 5, "A", "C", ".", "0|1", "0|1") +
		row("chr20", 6, "C", "!", ".", "0|1", "0|1")
	s, err := NewSurvey(reference(t, small), strings.NewReader(file), "in.vcf", "two")
	if err != nil {
		t.Fatal(err)
	}
	wantSkips := map[Skip]int{Telomere: 2, BeyondContig: 1, UnknownContig: 1, RefMismatch: 1, AmbiguousBases: 1, "symbolic": 1, "star": 1,
		"breakend": 1, "non_ref": 1, "no_alt": 1, "same_as_ref": 1, "not_understood": 1}
	if !reflect.DeepEqual(s.Skipped, wantSkips) {
		t.Errorf("skipped %v, want %v", s.Skipped, wantSkips)
	}
	if s.Rows != 14 || s.Alleles != 18 || s.Usable != 5 || s.MultiAllelic != 1 || s.Unsorted != 3 || s.Duplicates != 1 || s.NotNormal != 2 {
		t.Errorf("%+v", s)
	}
	if len(s.Examples) != len(wantSkips) || s.Normalized[0] != (Renamed{10, "20:19 A>AA", "20:14 C>CA"}) {
		t.Errorf("examples %v, normalized %v", s.Examples, s.Normalized)
	}
	if s.Ref.Rows != 10 || s.Ref.Mismatches != 1 || s.Ref.Examples[0].String() != "line 8, chr20:3: the VCF has T, the reference G" {
		t.Errorf("REF %+v", s.Ref)
	}
	if want := (map[string]string{"chr20": "20"}); !reflect.DeepEqual(s.Aliases, want) || len(s.Unknown) != 1 {
		t.Errorf("aliases %v, unknown %q", s.Aliases, s.Unknown)
	}
	want := GenotypeCounts{Sample: "two", Reference: 2, Homozygous: 1, Heterozygous: 9, Unphased: 1, Missing: 1, OneAllele: 1}
	if *s.Genotypes != want {
		t.Errorf("genotypes %+v, want %+v", *s.Genotypes, want)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "INFO AF differs from AC/AN in 1 rows") {
		t.Errorf("notes %q", s.Notes)
	}
}

// Every place of one insertion in a repeat is one variant.
func TestEquivalentPlacements(t *testing.T) {
	ref := reference(t, ">a\nGATTCACACACACAGT\n") // CA five times, from 5
	for _, v := range []Variant{
		{"a", 4, "T", []string{"TCA"}}, {"a", 5, "C", []string{"CAC"}}, {"a", 6, "A", []string{"ACA"}}, {"a", 14, "A", []string{"ACA"}},
		{"a", 5, "CACA", []string{"CACACA"}}, {"a", 4, "tcacaca", []string{"TCACACACA"}}, {"a", 9, "CACACAG", []string{"CACACACAG"}},
	} {
		got, err := Normalize(ref, v)
		if err != nil || text(got) != "a4TTCA" {
			t.Errorf("%v became %v, %v", v, got, err)
		}
	}
	for _, v := range []Variant{ // at the contig's beginning there is nothing to the left
		{"a", 1, "GATT", []string{"ATT"}}, {"a", 1, "GA", []string{"A"}},
	} {
		if got, err := Normalize(ref, v); err != nil || text(got) != "a1GAA" {
			t.Errorf("%v became %v, %v", v, got, err)
		}
	}
	long := reference(t, ">a\n"+strings.Repeat("A", maxShift+100)+"\n")
	_, err := Normalize(long, Variant{"a", maxShift + 50, "A", []string{"AA"}})
	if err == nil || !strings.Contains(err.Error(), "found a repeat of more than 1048576 bases") {
		t.Errorf("a contig of A: %v", err)
	}
	if _, err := Normalize(ref, Variant{"a", 2, "A", []string{"C", "a"}}); err == nil || !strings.Contains(err.Error(), "which equals REF") {
		t.Errorf("an allele like REF: %v", err)
	}
}

func TestOtherBuild(t *testing.T) {
	bases := strings.Repeat("ACGT", 100)
	ref := reference(t, ">20\n"+bases+"\n")
	rows := func(wrong, right int) string {
		all := strings.Replace(head, ",length=24", "", 1)
		for i := range wrong + right {
			base := string("ACGT"[i%4])
			if i < wrong {
				base = string("CGTA"[i%4])
			}
			all += row("20", i+1, base, "N", ".", "0|1", "0|0")
		}
		return all
	}
	for _, c := range []struct {
		wrong, right int
		want         string
	}{
		{1, 99, ""},
		{2, 98, "found 2 of 100 REF alleles that differ from the reference, more than 1 %: line 4, 20:1: the VCF has C, the reference A; " +
			"line 5, 20:2: the VCF has G, the reference C; contig 20 of the reference has 400 bases"},
		{19, 0, ""},
		{1, 19, "found 1 of 20"},
	} {
		_, err := ReadSites(ref, strings.NewReader(rows(c.wrong, c.right)), "in.vcf", SampleOptions{Sample: "one"})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d wrong and %d right: %v, want %q", c.wrong, c.right, err, c.want)
		}
	}
	file := head + row("chr20", 1, "A", "C", ".", "0|1", "0|0")
	_, err := ReadSites(ref, strings.NewReader(file), "in.vcf", SampleOptions{Sample: "one"})
	want := "line 4: genome: contig chr20 has 24 bases in the VCF's header, but 400 bases in the reference"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("another length: %v", err)
	}
}

func TestBuild(t *testing.T) {
	for _, c := range []struct {
		contig string
		length int
		want   string
	}{{"20", 63025520, "GRCh37 (hg19)"}, {"chr20", 64444167, "GRCh38 (hg38)"}, {"NC_000020.9", 62435964, "NCBI36 (hg18)"},
		{"chrX", 154259566, "T2T-CHM13v2.0 (hs1)"}, {"Y", 59373566, "GRCh37 (hg19)"}, {"21", 63025520, ""}, {"MT", 16569, ""}, {"99", 1, ""}} {
		if got := Build(c.contig, c.length); got != c.want {
			t.Errorf("Build(%s, %d) = %q, want %q", c.contig, c.length, got, c.want)
		}
	}
	if b := BuildOf(reference(t, small)); b != "" {
		t.Errorf("24 bases are %q", b)
	}
}

func TestSameBases(t *testing.T) {
	for _, c := range []struct {
		ref, letters string
		want         bool
	}{{"ACGT", "acGT", true}, {"A", "R", true}, {"N", "R", true}, {"R", "r", true}, {"G", "R", false}, {"N", "N", true}, {"A", "N", false},
		{"AC", "A", false}, {"N", "A", false}, {".", "A", false}} {
		if SameBases(c.ref, []byte(c.letters)) != c.want {
			t.Errorf("SameBases(%s, %s) is not %v", c.ref, c.letters, c.want)
		}
	}
}

// What is skipped is listed with its reason, and what is not applied leaves the reference.
func TestHaplotypeSkips(t *testing.T) {
	file := head +
		row("20", 1, "A", "G", ".", "1|0", "0|0") +
		row("20", 2, "CG", "C", ".", "1|1", "0|0") +
		row("20", 3, "G", "T", ".", "1|0", "0|0") + // overlaps
		row("20", 4, "T", "*", ".", "1|.", "0|0") +
		row("20", 5, "A", "A[20:1[", ".", "1/0", "0|0") +
		row("20", 6, "C", "<INS>", ".", "1", "0|0") +
		row("20", 7, "A", "C", ".", "1|1", "0|0") + // REF is G
		row("20", 9, "A", "<DEL>", "END=11", "0|1", "0|0") +
		row("20", 23, "NN", "NNA", ".", "0|0", "1|1") +
		row("21", 9, "A", "C", ".", "0|1|1", "0|0")
	s, err := ReadSites(reference(t, small), strings.NewReader(file), "in.vcf", SampleOptions{Sample: "one"})
	if err != nil {
		t.Fatal(err)
	}
	first, one := haplotype(t, s, 1)
	second, two := haplotype(t, s, 2)
	if first != ">20\nGCTACGTACGTRCAAAAAAGTNN\n" || second != ">20\nACTACGTATRCAAAAAAGTNN\n" {
		t.Errorf("the haplotypes are\n%s%s", first, second)
	}
	whys := func(r HaplotypeReport) (all string) {
		for _, k := range r.Skipped {
			all += fmt.Sprintf("%d %s ", k.Line, k.Why)
		}
		return all
	}
	if whys(one) != "10 ref_mismatch 6 overlap 7 star 8 breakend 9 symbolic " || whys(two) != "10 ref_mismatch 13 contig_unknown " {
		t.Errorf("skipped %q and %q", whys(one), whys(two))
	}
	if one.Applied != 2 || two.Applied != 2 || s.Missing != 1 || s.OneAllele != 1 || s.Unphased != 1 || s.MoreAllele != 1 || s.Rows != 10 {
		t.Errorf("%+v, %+v, %+v", one, two, s)
	}
}

// Unlike bcftools 1.16, an insertion behind a substitution keeps it where the reference is in lower case too.
func TestInsertionBehindSubstitutionInLowerCase(t *testing.T) {
	file := head + row("20", 1, "A", "G", ".", "1|0", "0|0") + row("20", 1, "A", "ATT", ".", "1|0", "0|0")
	for fa, want := range map[string]string{">20\nACCC\n": ">20\nGTTCCC\n", ">20\nacCC\n": ">20\ngttcCC\n"} {
		s, err := ReadSites(reference(t, fa), strings.NewReader(file), "in.vcf", SampleOptions{Sample: "one"})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := haplotype(t, s, 1); got != want {
			t.Errorf("%q became %q, want %q", fa, got, want)
		}
	}
}

// Rows out of order are sorted, rows of a region that begin before it are listed, and rows that end behind it are cut.
func TestRegionEnds(t *testing.T) {
	ref := reference(t, small)
	region, err := ParseRegion(ref, "chr20:3-6")
	if err != nil || region.String() != "20:3-6" {
		t.Fatal(region, err)
	}
	file := head + row("20", 6, "CGT", "C", ".", "1|0", "0|0") + row("20", 2, "CG", "C", ".", "1|0", "0|0") +
		row("20", 1, "A", "T", ".", "1|0", "0|0") + row("20", 4, "T", "TAA", ".", "1|0", "0|0")
	s, err := ReadSites(ref, strings.NewReader(file), "in.vcf", SampleOptions{Sample: "one", Region: &region})
	if err != nil {
		t.Fatal(err)
	}
	got, report := haplotype(t, s, 1)
	if got != ">20:3-6\nGTAAAC\n" || !s.Unsorted || len(report.Skipped) != 1 || report.Skipped[0].Why != BeforeRegion ||
		len(report.Trimmed) != 1 || report.Trimmed[0].Why != BeyondRegion {
		t.Errorf("%q, %+v, %+v", got, s, report)
	}
	if _, err := s.WriteHaplotype(nil, 3); err == nil {
		t.Error("haplotype 3 was taken")
	}
}

func TestParseRegion(t *testing.T) {
	ref := reference(t, ">20\n"+strings.Repeat("A", 100)+"\n>HLA:1\nACGT\n")
	for text, want := range map[string]string{"20": "20:1-100", "chr20:5": "20:5-100", "20:1e1-2e1": "20:10-20", "20:1,0-1,1": "20:10-11",
		"HLA:1": "HLA:1:1-4", "HLA:1:2-3": "HLA:1:2-3"} {
		if r, err := ParseRegion(ref, text); err != nil || r.String() != want {
			t.Errorf("%q is %v, %v, want %s", text, r, err, want)
		}
	}
	for text, want := range map[string]string{"21": `no contig "21"`, "21:1-5": `no contig "21"`, "20:x": "expected such as",
		"20:5-": "expected such as", "20:1.5": "expected such as", "20:0-5": "expected positions from 1 to 100", "20:7-6": "expected positions",
		"20:1-101": "expected positions"} {
		if r, err := ParseRegion(ref, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v, %v, want %q", text, r, err, want)
		}
	}
}

func TestSampleIsNamed(t *testing.T) {
	_, err := ReadSites(reference(t, small), strings.NewReader(head), "in.vcf", SampleOptions{})
	if err == nil || !strings.Contains(err.Error(), "in.vcf has 2 samples; name one: one, two") {
		t.Error(err)
	}
	_, err = ReadSites(reference(t, small), strings.NewReader(head), "in.vcf", SampleOptions{Sample: "three"})
	if err == nil || !strings.Contains(err.Error(), `no sample "three"`) {
		t.Error(err)
	}
}

func FuzzVariants(f *testing.F) {
	f.Add(small, head+row("20", 1, "A", "G", ".", "1|0", "0|0")+row("20", 2, "CG", "C,<DEL>", "END=9", "1|2", "0|0"))
	f.Add(golden(f, "consensus.3.fa"), golden(f, "consensus.3.vcf"))
	f.Fuzz(func(t *testing.T, fa, file string) {
		if !strings.HasPrefix(fa, ">") {
			return
		}
		ref, err := fastaOf(fa)
		if err != nil {
			return
		}
		if s, err := NewSurvey(ref, strings.NewReader(file), "in.vcf", ""); err == nil && s.Usable > s.Alleles {
			t.Errorf("%+v", s)
		}
		r, err := vcf.NewReader(strings.NewReader(file), "in.vcf")
		if err != nil || len(r.Header().Samples) == 0 {
			return
		}
		s, err := ReadSites(ref, strings.NewReader(file), "in.vcf", SampleOptions{Sample: r.Header().Samples[0]})
		if err != nil {
			return
		}
		for h := 1; h <= 2; h++ {
			text, report := haplotype(t, s, h)
			if got, err := fastaOf(text); err == nil && len(got.Contigs()) != len(ref.Contigs()) {
				t.Errorf("%d contigs of %d, %+v", len(got.Contigs()), len(ref.Contigs()), report)
			}
		}
	})
}
