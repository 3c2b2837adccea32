package expr
import ("testing";"weir/cep")
//go:noinline
func hand(s *cep.Scope) bool {
 a := s.Event.Field(0); if !(a.Kind==cep.Number && a.Number() < 200) {return false}
 if s.Event.Name != "payment" {return false}
 x,y := s.Event.Field(3), s.Event.Field(4)
 return !(x.Kind==cep.Text && y.Kind==cep.Text && x.Text==y.Text)
}
func BenchmarkHand(b *testing.B){ w:=declared; s:=w.scope(); for b.Loop(){ if !hand(s) {b.Fatal()} } }
func BenchmarkCalib(b *testing.B){ x:=uint64(1); for b.Loop(){ for i:=0;i<10;i++ { x = x*6364136223846793005+1442695040888963407 } }; _ = x }
