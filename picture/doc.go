// Package picture enlarges pictures to any size, and paints them, as one sequence of patches: nothing is cut into tiles.
//
//	m, err := picture.Open("runs/photos", picture.Options{})
//	large, err := m.Upscale(ctx, im, picture.UpscaleOptions{Width: 3840})
//	painted, err := m.Generate(ctx, picture.GenerateOptions{Width: 3840, Height: 2160, Seed: 1})
//
// A model is the folder of a run of longspan image train. Package patchflow has the networks, and says how they work. Package file reads
// and writes files. What is done here is what makes a model of three channels and of the factors 2, 4 and 8 one for pictures: grey, alpha,
// 16 bits, sizes of any kind, and the memory and the seconds, which are known before the work begins.
//
// The same options give the same bits with any number of threads.
package picture
