/**
 * From a model on disk to one that runs: a {@link org.fusionc.runtime.model.ModelSource} is a
 * directory or an artifact, {@link org.fusionc.runtime.model.Compiler} takes its module through the
 * phases, {@link org.fusionc.runtime.model.ArtifactBuilder} keeps the outcome, and an {@link
 * org.fusionc.runtime.model.Engine} runs it.
 */
@NullMarked
package org.fusionc.runtime.model;

import org.jspecify.annotations.NullMarked;
