package org.fusionc.runtime.text.template;

import java.util.List;

/** The {@code loop} of a for. */
final class LoopState {
  private final List<Object> items;
  private final int depth;
  private int index;
  private Object changed = new Undefined("nothing yet");

  LoopState(List<Object> items, int depth) {
    this.items = items;
    this.depth = depth;
  }

  void at(int position) {
    index = position;
  }

  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("the item before");
      case "nextitem" ->
          index + 1 < items.size() ? items.get(index + 1) : new Undefined("the item after");
      case "cycle" ->
          (Callable)
              arguments -> {
                if (arguments.positional().isEmpty()) {
                  throw new TemplateError("loop.cycle needs values");
                }
                return arguments.positional().get(index % arguments.positional().size());
              };
      case "changed" ->
          (Callable)
              arguments -> {
                Object now = new Tuple(arguments.positional());
                boolean isChanged = !Values.equal(now, changed);
                changed = now;
                return isChanged;
              };
      default -> new Undefined("'loop." + name + "'");
    };
  }
}
