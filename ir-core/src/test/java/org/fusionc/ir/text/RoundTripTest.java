package org.fusionc.ir.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** print(parse(t)) = t for formatted texts, and parse(print(m)) = m. */
class RoundTripTest {
  static final String DECODER =
      """
      // a tiny decoder
      fir 1.0
      // tokens of a batch
      dim T in [1, 8192]
      dim S in [1, 256]
      weight @embed : bf16[100, 8] = file("model.safetensors", "model.embed_tokens.weight")
      weight @norm : f32[8] = blob("sha256:00ff")
      weight @layers.0.wq : bf16[8, 8] = file("model.safetensors", "q \\"quoted\\" \\\\ name")
      // merged
      weight @layers.0.wqk : bf16[16, 8] = {
        // one product instead of two
        %w = concat @layers.0.wq, @layers.0.wq : bf16[16, 8]
        // done
        return %w
      }

      // the decoder
      func @decode(%ids: i32[T], %at: batch<T, S>, %kv.0: kv<2, 4, 4, f16>) -> (f32[S, 100], kv<2, 4, 4, f16>) {
        // comments stay
        // attached
        %e = gather @embed, %ids : bf16[T, 8] loc("node \\"17\\"")
        %x0 = cast %e {to = f32} : f32[T, 8]
        %s, %n = add_rms_norm %x0, %x0, @norm {eps = 1e-5} : (f32[T, 8], f32[T, 8])
        %q = linear %n, @layers.0.wq : f32[T, 8]
        %q.heads = reshape %q : f32[T, 2, 4]
        %kv.0.next = kv_append %kv.0, %q.heads, %q.heads, %at : kv<2, 4, 4, f16>
        %sinks = constant {value = [0.5, 1]} : f32[2]
        %a = attention %q.heads, %kv.0.next, %at, _, %sinks {scale = 0.125} : f32[T, 2, 4]
        %0 = reshape %a : f32[T, 8]
        %1, %2 = fused %0, %s body (%p: f32[T, 8], %q: f32[T, 8]) {
          %r = add %p, %q : f32[T, 8]
          %0 = mul %r, %p : f32[T, 8]
          // both
          return %r, %0
        } : (f32[T, 8], f32[T, 8])
        %3 = linear %1, @embed : f32[T, 100]
        %logits = select_outputs %3, %at : f32[S, 100]
        // the end
        return %logits, %kv.0.next
      }

      func @empty() -> () {
        return
      }

      func @"odd name/"(%"x y": q4a<64>[2, 64], %z: f32[]) -> f32[] {
        return %z
      }

      // where it runs
      plan @home objective latency bound 1.03 {
        expect { context = 4096, batch = 1, decode = 12.3ms, bottleneck = "link @desk -> @attic" }
        // the fast one
        device @desk.gpu0 : cuda<sm_86> { memory = 10GiB, bandwidth = 760GB/s, f16 = 59.5TFLOP/s }
        device @attic-1.cpu
        link @desk <-> @attic-1 { bandwidth = 940Mbit/s, latency = 0.4ms }
        link @attic-1 -> @desk
        link default { bandwidth = 100Mbit/s, latency = 20ms }
        stage 0 on @desk.gpu0 runs @decode through %s { weights = 4.1GiB }
        stage 1 on @attic-1.cpu runs @decode
        edge stage 0 -> stage 1 carries %s, %kv.0.next { encode = q8, size = 2.1KiB/tok }
        // nothing else
      }
      // at the end
      """;

  private final Graph graph = new Graph();
  private final OpRegistry ops = OpRegistry.builtIn();

  private void roundTrips(String text) {
    var document = FirParser.parseDocument(text, "t.fir", graph, ops);
    var printed = FirPrinter.print(document.module(), document.pipeline());
    assertThat(printed).isEqualTo(text);
    var again = FirParser.parse(printed, "t.fir", graph, ops);
    assertThat(again.sameAs(document.module())).isTrue();
    assertThat(again.comments()).isEqualTo(document.module().comments());
  }

  @Test
  void everyForm() {
    roundTrips(DECODER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fir 1.0\n",
        "fir 1.0\npipeline \"canonicalize,dce{x=\\\"1\\\"}\"\ndim N in [0, 3]\n",
        "fir 1.0\n\nplan @p {\n}\n",
      })
  void small(String text) {
    roundTrips(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%y = gelu %x {approximate = \"tanh\"} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = clip %x {max = nan} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = clip %x {min = -0.0, max = 1e7} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = clip %x {max = 1.7976931348623157e308} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = clip %x {min = 0.001, max = 10000.0} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = clip %x {min = 4.9e-324} : f32[P*T, 2*T+1, P+T-3, 7]",
        "%y = cast %x {to = bf16} : bf16[P*T, 2*T+1, P+T-3, 7]",
        "%y = constant {value = [1, 2, 3]} : i64[3]",
        "%y = constant {value = -9223372036854775808} : i64[3]",
        "%y = constant {value = [inf, -inf, nan, 1.0]} : f32[4]",
        "%y = reduce_sum %x {axes = [0, -1], keep_dims = false} : f32[2*T+1, P+T-3]",
        "%y = rope_frequencies {scaling = \"longrope\", factors = [1.0, 2.5]} : f32[2]",
      })
  void attributesAndTypes(String op) {
    var type = op.substring(op.lastIndexOf(": ") + 2);
    roundTrips(
        """
        fir 1.0
        dim T in [1, 8]
        dim P in [3, 8]

        func @f(%x: f32[P*T, 2*T+1, P+T-3, 7]) -> TYPE {
          OP
          return %y
        }
        """
            .replace("TYPE", type)
            .replace("OP", op));
  }

  @Test
  void looseTextBecomesFormatted() {
    var module =
        FirParser.parse(
            """
            fir 1.0 dim N in [1,4]
            func @f ( %a:f32[N] , %0 : f32[1+N*2-N-1] )->(f32[N]){ // why
            %u=clip %a{max=3,min=0.50}// limits
              %7 = add %u,
                 %0 : f32[N]
            return %7}
            """,
            "t.fir", graph, ops);
    assertThat(FirPrinter.print(module))
        .isEqualTo(
            """
            fir 1.0
            dim N in [1, 4]

            // why
            func @f(%a: f32[N], %0: f32[N]) -> f32[N] {
              // limits
              %u = clip %a {min = 0.5, max = 3.0} : f32[N]
              %1 = add %u, %0 : f32[N]
              return %1
            }
            """);
  }

  @Test
  void pipelineIsHandedOut() {
    var document = FirParser.parseDocument("fir 1.0\npipeline \"a,b\"", "t.fir", graph, ops);
    assertThat(document.pipeline()).isEqualTo(Optional.of("a,b"));
  }
}
