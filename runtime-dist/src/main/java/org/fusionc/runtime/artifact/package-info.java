/**
 * Compiled models on disk, as OCI image layouts: a folder of blobs named by their SHA-256, a
 * manifest that names each blob's role, and an index that names the manifest. Any registry tool can
 * push and pull it; the same content gives the same bytes; nothing is used before its digest was
 * checked.
 *
 * <p><b>One blob per tensor.</b> A tensor could be cut into chunks of equal size: a large one would
 * transfer in parallel and resume in the middle. But kernels want a tensor contiguous in memory,
 * and chunks could be joined only by copying all weights at every start, or by mapping files to
 * fixed addresses, which Java cannot. A whole tensor in a file of its own is mapped as it lies,
 * page-aligned; a stage fetches exactly its tensors; equal tensors of two models are one file. The
 * price is that the unit of transfer is as large as the largest tensor (an embedding of 2 GiB in
 * the largest models, which registries accept, with HTTP ranges to resume), and a manifest entry of
 * about 300 bytes per tensor, which keeps models below some ten thousand tensors within the 4 MiB
 * that registries allow.
 */
@NullMarked
package org.fusionc.runtime.artifact;

import org.jspecify.annotations.NullMarked;
