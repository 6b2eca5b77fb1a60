package org.fusionc.ir.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.fusionc.ir.diagnostic.Location;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {
  private static final Location HERE = Location.named("cluster.yaml");

  @ParameterizedTest
  @CsvSource({
    "10GiB, 10737418240",
    "760GB/s, 760e9",
    "59.5TFLOP/s, 59.5e12",
    "940Mbit/s, 117.5e6",
    "0.4ms, 0.0004",
    "2.1KiB/tok, 2150.4",
    "2.2ms/tok, 0.0022",
    "12us, 12e-6",
    "1.03, 1.03",
    "4TOP/s, 4e12"
  })
  void readsWhatPeopleWriteAndGivesItBack(String text, double base) {
    var quantity = Quantity.parse(text, HERE);
    assertThat(quantity.base())
        .isCloseTo(base, org.assertj.core.data.Percentage.withPercentage(1e-9));
    assertThat(quantity).hasToString(text);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0GiB, 10GiB",
    "1e3B, 1000B",
    "10 GiB, 10GiB",
    "12µs, 12us",
    "1e-9s, 1e-9s",
    "0.50ms, 0.5ms"
  })
  void printsTheShortestForm(String text, String shortest) {
    assertThat(Quantity.parse(text, HERE)).hasToString(shortest);
    assertThat(Quantity.parse(shortest, HERE)).hasToString(shortest);
  }

  @Test
  void computedValuesPrintStably() {
    var random = new Random(7);
    for (var dimension : Unit.Dimension.values()) {
      for (int i = 0; i < 2000; i++) {
        var quantity = Quantity.readable(Math.exp(random.nextDouble() * 60 - 25), dimension);
        assertThat(Quantity.parse(quantity.toString(), HERE)).isEqualTo(quantity);
        assertThat(Quantity.readable(quantity.base(), dimension)).isEqualTo(quantity);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "BYTES, 4402341478, 4.1GiB",
    "BYTES, 0, 0B",
    "BYTES, 1073741823, 1GiB",
    "SECONDS, 0.0061, 6.1ms",
    "SECONDS, 1e-12, 0.001ns",
    "BYTES_PER_TOKEN, 8192, 8KiB/tok",
    "TOKENS_PER_SECOND, 81.23456, 81.23tok/s"
  })
  void choosesTheUnitThatAPersonWould(Unit.Dimension dimension, double base, String text) {
    assertThat(Quantity.readable(base, dimension)).hasToString(text);
  }

  @ParameterizedTest
  @CsvSource({
    "10gib, did you mean 'GiB'?",
    "10GIB, did you mean 'GiB'?",
    "940Mbits/s, did you mean 'Mbit/s'?",
    "59.5TFLOPS, did you mean 'TFLOP/s'?",
    "3msec, did you mean 'ms'?",
  })
  void namesTheNearestUnit(String text, String remedy) {
    assertThatThrownBy(() -> Quantity.parse(text, HERE))
        .hasMessageContaining("cluster.yaml")
        .hasMessageContaining("unknown unit")
        .hasMessageContaining(remedy);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GiB", "ten GiB", "1,5GiB", "0x10", "NaN", "Infinity", "1e999GiB"})
  void refusesWhatIsNoNumber(String text) {
    assertThatThrownBy(() -> Quantity.parse(text, HERE)).hasMessageContaining("number");
  }

  @Test
  void refusesAnotherDimension() {
    assertThatThrownBy(() -> Quantity.parse("10GiB", Unit.Dimension.SECONDS, HERE))
        .hasMessageContaining("is a size, but should be a time")
        .hasMessageContaining("0.4ms");
    assertThatThrownBy(() -> Quantity.parse("10", Unit.Dimension.BYTES, HERE))
        .hasMessageContaining("has no unit");
  }
}
