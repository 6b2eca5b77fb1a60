/** The op table (`*.ops`): one entry per op, from which records, builders, verifiers and docs are generated. */
grammar OpTable;

table : entry* EOF ;

entry : 'op' op=name ':' level=ID 'since' since=STRING '{' clause* '}' ;

clause
    : 'summary' STRING+                                             # summary
    | 'operand' name arity? ':' pattern                               # operand
    | 'attribute' name ':' attributeType choices? ('=' literal)?      # attribute
    | 'result' (name ':')? pattern                                    # result
    | 'result' 'stated'                                             # statedResult
    | 'result' 'by' name                                              # computedResult
    | 'where' dtypeSet (',' dtypeSet)*                              # where
    | 'check' text+=STRING+ 'by' name                                 # check
    | 'traits' ID (',' ID)*                                         # traits
    | 'formula' STRING+                                             # formula
    | 'source' STRING                                               # source
    ;

/** A name may also be a word of this grammar. */
name
    : ID | 'kv' | 'batch' | 'source' | 'check' | 'formula' | 'where' | 'result' | 'operand' | 'attribute' | 'body' | 'by' | 'in'
    | 'any' | 'op' | 'float' | 'int' | 'bool' | 'string' | 'dtype' | 'ints' | 'floats' | 'numbers' | 'summary' | 'since' | 'stated'
    ;

arity : '?' | '...' ;
attributeType : 'int' | 'float' | 'bool' | 'string' | 'dtype' | 'ints' | 'floats' | 'numbers' | 'body' ;
choices : 'in' '(' STRING (',' STRING)* ')' ;
literal : NUMBER | STRING | 'true' | 'false' | '[' ']' ;

pattern
    : 'any'                                                              # anyPattern
    | 'batch' '<' tokens=dim ',' outputs=dim '>'                         # batchPattern
    | 'kv' '<' heads=dim ',' k=dim ',' v=dim ',' dtype=dtypeName '>'            # kvPattern
    | dtype=dtypeName '[' (dim (',' dim)*)? ']'                                 # tensorPattern
    ;
dim : ID | STAR ID | NUMBER ;
dtypeSet : ID 'in' dtypeName ('|' dtypeName)* ;

/** A dtype or a family of them; some are words of this grammar as well. */
dtypeName : ID | 'float' | 'int' | 'bool' | 'any' ;

STAR : '*' ;
NUMBER : '-'? [0-9]+ ('.' [0-9]+)? ('e' '-'? [0-9]+)? | '-'? 'inf' ;
ID : [A-Za-z_] [A-Za-z0-9_]* ;
STRING : '"' ~["\r\n]* '"' ;
COMMENT : '//' ~[\r\n]* -> skip ;
WS : [ \t\r\n]+ -> skip ;
