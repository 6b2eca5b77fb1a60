/** The op table (`*.ops`): one entry per op, from which records, builders, verifiers and docs are generated. */
grammar OpTable;

table : entry* EOF ;

entry : 'op' name=ID ':' level=ID 'since' since=STRING '{' clause* '}' ;

clause
    : 'summary' STRING+                                             # summary
    | 'operand' ID arity? ':' pattern                               # operand
    | 'attribute' ID ':' attributeType choices? ('=' literal)?      # attribute
    | 'result' (ID ':')? pattern                                    # result
    | 'result' 'stated'                                             # statedResult
    | 'result' 'by' ID                                              # computedResult
    | 'where' dtypeSet (',' dtypeSet)*                              # where
    | 'check' text+=STRING+ 'by' ID                                 # check
    | 'traits' ID (',' ID)*                                         # traits
    | 'formula' STRING+                                             # formula
    | 'source' STRING                                               # source
    ;

arity : '?' | '...' ;
attributeType : 'int' | 'float' | 'bool' | 'string' | 'dtype' | 'ints' | 'floats' | 'numbers' | 'body' ;
choices : 'in' '(' STRING (',' STRING)* ')' ;
literal : NUMBER | STRING | 'true' | 'false' | '[' ']' ;

pattern
    : 'any'                                                              # anyPattern
    | 'batch' '<' tokens=dim ',' outputs=dim '>'                         # batchPattern
    | 'kv' '<' heads=dim ',' k=dim ',' v=dim ',' dtype=ID '>'            # kvPattern
    | dtype=ID '[' (dim (',' dim)*)? ']'                                 # tensorPattern
    ;
dim : ID | STAR ID | NUMBER ;
dtypeSet : ID 'in' ID ('|' ID)* ;

STAR : '*' ;
NUMBER : '-'? [0-9]+ ('.' [0-9]+)? ('e' '-'? [0-9]+)? | '-'? 'inf' ;
ID : [A-Za-z_] [A-Za-z0-9_]* ;
STRING : '"' ~["\r\n]* '"' ;
COMMENT : '//' ~[\r\n]* -> skip ;
WS : [ \t\r\n]+ -> skip ;
