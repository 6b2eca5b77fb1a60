package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DeadCodeTest {
  @Test
  void opsAndWeightsThatNothingNeedsGo() {
    assertThat(
            Fir.after(
                "dce",
                """
                weight @used : f32[4] = file("m", "used")
                weight @source : f32[4] = file("m", "source")
                weight @other : f32[4] = file("m", "other")
                weight @dead : f32[4] = {
                  %n = neg @other : f32[4]
                  return %n
                }
                weight @live : f32[4] = {
                  %d = neg @other : f32[4]
                  %n = neg @source : f32[4]
                  return %n
                }

                func @f(%x: f32[4]) -> (f32[4], i32[2]) {
                  // goes
                  %a = add %x, @dead : f32[4]
                  // stays
                  %b = add %x, @used : f32[4]
                  %values, %indices = top_k %b {k = 2} : (f32[2], i32[2])
                  %c = add %b, @live : f32[4]
                  return %c, %indices
                }
                """))
        .isEqualTo(
            """
            weight @used : f32[4] = file("m", "used")
            weight @source : f32[4] = file("m", "source")
            weight @live : f32[4] = {
              %n = neg @source : f32[4]
              return %n
            }

            func @f(%x: f32[4]) -> (f32[4], i32[2]) {
              // stays
              %b = add %x, @used : f32[4]
              %values, %indices = top_k %b {k = 2} : (f32[2], i32[2])
              %c = add %b, @live : f32[4]
              return %c, %indices
            }\
            """);
  }
}
