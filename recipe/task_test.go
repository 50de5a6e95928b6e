package recipe

import "testing"

func TestTaskOf(t *testing.T) {
	for config, want := range map[string]string{
		"model: {head: mlm, vocab: 5}\ndata: {batch: 1, genome: {tokens: 64}}":                     "mlm",
		"model: {head: classify, vocab: 257}\ndata: {batch: 1, labelled: {classes: [yes, no]}}":    `classify labelled, labelled of ["yes" "no"]`,
		"model: {head: tag, vocab: 5, of_the_future: 1}\ndata: {genes: {tokens: 64}}\nnewer: true": "tag genes",
	} {
		task, ok := TaskOf([]byte(config))
		if !ok || task.Name != want || task.Rows == 0 {
			t.Errorf("%s\nis the task %+v, %v; want %s", config, task, ok, want)
		}
	}
	for _, config := range []string{"", "model: [", "model: {vocab: 5}", "- 1", "\x00"} {
		if task, ok := TaskOf([]byte(config)); ok {
			t.Errorf("%q is the task %+v; want none", config, task)
		}
	}
}
