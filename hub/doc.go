// Package hub finds models in the cache of the Hugging Face hub, and downloads them there.
//
// The cache has the layout of the Python library huggingface_hub, so both find what the other has downloaded:
//
//	models--org--name/
//	  blobs/<etag>                  the bytes of a file, under its hash
//	  refs/<revision>               text: the commit of a branch or a tag
//	  snapshots/<commit>/<path>     a symbolic link to the blob, or the file itself where there are no links
//	  .no_exist/<commit>/<path>     empty: the hub was asked for this file and has none
//	.locks/models--org--name/<etag>.lock
//
// A [Cache] reads it without a network. [Resolve] takes what a user writes for a model. A [Client] asks the hub: [Client.Plan] says which
// files a model needs and how many of their bytes are here, and [Client.Fetch] brings the others.
//
// The layout, the headers and the variables are those of huggingface_hub 0.36 and 2.4.
package hub
