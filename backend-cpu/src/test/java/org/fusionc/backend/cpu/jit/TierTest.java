package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TierTest {

  @Test
  void theBestTierRunsHereAndIsExact() {
    assertThat(Tier.best().isHere()).isTrue();
    assertThat(Tier.best()).isNotEqualTo(Tier.AVX512_BF16);
    assertThat(Tier.named("auto")).isEqualTo(Tier.best());
    assertThat(Tier.named("vector")).isEqualTo(Tier.VECTOR);
  }

  @Test
  void anUnknownTierIsRefusedWithTheNamesThereAre() {
    assertThatThrownBy(() -> Tier.named("sse"))
        .hasMessageContaining("there is no tier named sse")
        .hasMessageContaining("avx512-bf16, avx512, avx2, vector");
  }
}
