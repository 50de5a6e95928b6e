package summarize

import (
	"regexp"

	"github.com/longspan/longspan/document"
)

// sectionClasses are the kinds of sections, by words of their titles; the first that fits is the class.
var sectionClasses = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"abstract", regexp.MustCompile(`(?i)\babstract|\bsummary\b|\boverview\b|tl;?dr|executive`)},
	{"introduction", regexp.MustCompile(`(?i)\bintroduc|^\W*\d*\W*background\b`)},
	{"motivation", regexp.MustCompile(`(?i)\bmotivat|\brationale|\bproblem|\bgoals?\b|\bwhy\b|\bpurpose|\bobjective`)},
	{"related", regexp.MustCompile(`(?i)\brelated|\bprevious|\bprior\b|\bliterature|\bbackground`)},
	{"conclusion", regexp.MustCompile(`(?i)\bconclu|\bsummary and|\bfuture|\bclosing|\bfinal remarks|\boutlook`)},
	{"discussion", regexp.MustCompile(`(?i)\bdiscuss|\banalys|\berror|\blimitation`)},
	{"results", regexp.MustCompile(`(?i)\bresult|\bevaluat|\bexperiment|\bperformance|\bfinding|\bcomparison`)},
	{"method", regexp.MustCompile(`(?i)\bmethod|\bmodel|\balgorithm|\bapproach|\bsystem|\barchitect|\bframework|\bour\b|\bfeatures?\b`)},
	{"data", regexp.MustCompile(`(?i)\bdata|\bcorp(us|ora)\b|\bannotat|\btask\b|\bresources?\b`)},
	{"specification", regexp.MustCompile(`(?i)\bspecif|\bproposal|\bsyntax|\bsemantic|\bdesign|\binterface|\bdefinition`)},
	{"implementation", regexp.MustCompile(`(?i)\bimplement|\breference impl|\btest cases?|\bexample|\busage`)},
	{"compatibility", regexp.MustCompile(`(?i)\bcompatib|\bsecurity|\bconsiderations?\b|\btransition|\bmigration`)},
	{"rejected", regexp.MustCompile(`(?i)\breject|\balternativ|\bopen (issues|questions)|\bdeferred|\bobjections`)},
	{"acknowledgements", regexp.MustCompile(`(?i)\backnowledg|\bcopyright|\blicen[cs]e|\bappendi|\bfootnotes`)},
}

// classOf is the index of a title's class, or −1.
func classOf(title string) int {
	for i, c := range sectionClasses {
		if c.pattern.MatchString(title) {
			return i
		}
	}
	return -1
}

// Indices of classes.
const introductionClass, conclusionClass, specificationClass = 1, 4, 9

var references = regexp.MustCompile(`(?i)^\W*(\d+\W+)?(references|bibliography|works cited|literature cited|references cited)\W*$`)

// referenceSections reports for each section whether it is a list of references.
func referenceSections(d *document.Document) []bool {
	is := make([]bool, len(d.Sections))
	for i, s := range d.Sections {
		is[i] = references.MatchString(s.Title)
	}
	return is
}
