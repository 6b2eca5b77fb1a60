package org.fusionc.ir.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.fusionc.ir.diagnostic.Location;
import org.junit.jupiter.api.Test;

class PlanPrinterTest {
  private static Attributes attributes(Object... pairs) {
    var attributes = Attributes.NONE;
    for (int i = 0; i < pairs.length; i += 2) {
      var text = (String) pairs[i + 1];
      attributes =
          attributes.with(
              (String) pairs[i],
              Character.isDigit(text.charAt(0))
                  ? Quantity.parse(text, Location.unknown())
                  : new PlanValue.Word(text));
    }
    return attributes;
  }

  @Test
  void printsEveryKindOfLine() {
    var here = Origin.at(new Location.Text("p.fir", 3, 1));
    var plan =
        new Plan(
            "home",
            "latency",
            OptionalDouble.of(1.03),
            attributes("context", "4096").with("bottleneck", new PlanValue.Text("a \"b\" \\")),
            List.of(
                new Device("desk.gpu0", "cuda<sm_86>", attributes("memory", "10GiB"), here),
                new Device("attic.cpu", "", Attributes.NONE, here)),
            List.of(
                new Link("desk", "attic", true, attributes("bandwidth", "940Mbit/s"), here),
                new Link("attic", "desk", false, Attributes.NONE, here),
                Link.byDefault(attributes("latency", "20ms"), here)),
            List.of(
                new Stage(
                    0, "desk.gpu0", "decode", Optional.of("layers.5.out"), attributes(), here),
                new Stage(1, "attic.cpu", "decode", Optional.empty(), attributes(), here)),
            List.of(
                new Edge(0, 1, List.of("h", "r"), attributes("encode", "q8"), here),
                new Edge(0, 1, List.of(), Attributes.NONE, here)),
            here);
    assertThat(plan)
        .hasToString(
            """
            plan @home objective latency bound 1.03 {
              expect { context = 4096, bottleneck = "a \\"b\\" \\\\" }
              device @desk.gpu0 : cuda<sm_86> { memory = 10GiB }
              device @attic.cpu
              link @desk <-> @attic { bandwidth = 940Mbit/s }
              link @attic -> @desk
              link default { latency = 20ms }
              stage 0 on @desk.gpu0 runs @decode through %layers.5.out
              stage 1 on @attic.cpu runs @decode
              edge stage 0 -> stage 1 carries %h, %r { encode = q8 }
              edge stage 0 -> stage 1
            }
            """);
    assertThat(plan.devices().getFirst().machine()).isEqualTo("desk");
  }

  @Test
  void equalityIsByContentInOrder() {
    assertThat(attributes("a", "1B", "b", "2B")).isEqualTo(attributes("a", "1B", "b", "2B"));
    assertThat(attributes("a", "1B", "b", "2B")).isNotEqualTo(attributes("b", "2B", "a", "1B"));
    assertThat(attributes("a", "1B").with("a", new PlanValue.Word("x")))
        .isEqualTo(attributes("a", "x"));
    assertThat(new Device("a.b", "", Attributes.NONE, Origin.at(Location.named("here"))))
        .isEqualTo(new Device("a.b", "", Attributes.NONE, Origin.NONE));
  }
}
