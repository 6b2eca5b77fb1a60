/**
 * FIR text. Every decision needs one token of look-ahead and no rule contains itself except through
 * `block`, whose nesting the reader limits; the reader calls the rules of the pieces (heads, ops, lines)
 * one by one, so that an error in one leaves the others readable.
 */
grammar Fir;

/** The end of an op's line. Lines are told by their numbers, so no such token is ever made. */
tokens { END_OF_LINE }

file : version item* EOF ;
version : FIR (INT | FLOAT) ;
item : dimension | weight | func | plan | pipeline ;

dimension : DIM word IN LBRACKET low=integer COMMA high=integer RBRACKET ;

weight : weightHead (weightSource | block) ;
weightHead : WEIGHT SYMBOL COLON type EQUALS ;
weightSource
    : FILE LPAREN STRING COMMA STRING RPAREN
    | BLOB LPAREN STRING (COMMA STRING)? RPAREN
    ;

func : funcHead block ;
funcHead : FUNC SYMBOL parameters ARROW types ;
parameters : LPAREN (parameter (COMMA parameter)*)? RPAREN ;
parameter : VALUE COLON type ;

pipeline : PIPELINE STRING ;

// Ops.

block : LBRACE (op END_OF_LINE)* returning RBRACE ;
op : opHead (bodyHead block)* opTail ;
opHead : VALUE (COMMA VALUE)* EQUALS opName (operand (COMMA operand)*)? attributes? ;
opName : word ;
bodyHead : ID parameters ;
opTail : (COLON types)? (LOC LPAREN STRING RPAREN)? ;
returning : RETURN (operand (COMMA operand)*)? ;
operand : VALUE | SYMBOL | ABSENT ;

attributes : LBRACE (attribute (COMMA attribute)*)? RBRACE ;
attribute : word EQUALS attributeValue ;
attributeValue
    : number
    | TRUE
    | FALSE
    | STRING
    | dtype
    | LBRACKET (number (COMMA number)*)? RBRACKET
    ;

// Types.

types : type | LPAREN (type (COMMA type)*)? RPAREN ;
type
    : KV LESS integer COMMA integer COMMA integer COMMA dtype GREATER
    | BATCH LESS dim COMMA dim GREATER
    | dtype LBRACKET (dim (COMMA dim)*)? RBRACKET
    ;
dtype : ID (LESS INT GREATER)? ;
dim : MINUS? term (sign term)* ;
sign : PLUS | MINUS ;
term : factor (STAR factor)* ;
factor : INT | word ;

// Plans.

plan : planHead LBRACE planLine* RBRACE ;
planHead : PLAN SYMBOL (OBJECTIVE word)? (BOUND number)? ;
planLine : expect | device | link | stage | edge ;
expect : EXPECT planAttributes ;
device : DEVICE SYMBOL (COLON deviceKind)? planAttributes? ;
deviceKind : word (LESS word (COMMA word)* GREATER)? ;
link : LINK (DEFAULT | SYMBOL (BOTH_WAYS | ARROW) SYMBOL) planAttributes? ;
stage : STAGE INT ON SYMBOL RUNS SYMBOL (THROUGH VALUE)? planAttributes? ;
edge : EDGE STAGE INT ARROW STAGE INT (CARRIES VALUE (COMMA VALUE)*)? planAttributes? ;
planAttributes : LBRACE (planAttribute (COMMA planAttribute)*)? RBRACE ;
planAttribute : word EQUALS planValue ;
planValue : quantity | word | STRING ;
quantity : MINUS? (QUANTITY | (INT | FLOAT) unit?) ;
unit : ID (SLASH ID)? ;

// Words and numbers.

integer : MINUS? INT ;
number : MINUS? (INT | FLOAT | INF | NAN) ;

/** A word of this grammar may be the name of an op, an attribute or a dimension as well. */
word
    : ID | FIR | DIM | IN | WEIGHT | FILE | BLOB | FUNC | PIPELINE | RETURN | LOC | TRUE | FALSE | INF | NAN | KV | BATCH
    | PLAN | OBJECTIVE | BOUND | EXPECT | DEVICE | LINK | DEFAULT | STAGE | ON | RUNS | THROUGH | EDGE | CARRIES
    ;

FIR : 'fir' ;
DIM : 'dim' ;
IN : 'in' ;
WEIGHT : 'weight' ;
FILE : 'file' ;
BLOB : 'blob' ;
FUNC : 'func' ;
PIPELINE : 'pipeline' ;
RETURN : 'return' ;
LOC : 'loc' ;
TRUE : 'true' ;
FALSE : 'false' ;
INF : 'inf' ;
NAN : 'nan' ;
KV : 'kv' ;
BATCH : 'batch' ;
PLAN : 'plan' ;
OBJECTIVE : 'objective' ;
BOUND : 'bound' ;
EXPECT : 'expect' ;
DEVICE : 'device' ;
LINK : 'link' ;
DEFAULT : 'default' ;
STAGE : 'stage' ;
ON : 'on' ;
RUNS : 'runs' ;
THROUGH : 'through' ;
EDGE : 'edge' ;
CARRIES : 'carries' ;

LBRACE : '{' ;
RBRACE : '}' ;
LPAREN : '(' ;
RPAREN : ')' ;
LBRACKET : '[' ;
RBRACKET : ']' ;
LESS : '<' ;
GREATER : '>' ;
COMMA : ',' ;
COLON : ':' ;
EQUALS : '=' ;
ARROW : '->' ;
BOTH_WAYS : '<->' ;
PLUS : '+' ;
MINUS : '-' ;
STAR : '*' ;
SLASH : '/' ;
ABSENT : '_' ;

VALUE : '%' (NAME | QUOTED) ;
SYMBOL : '@' (NAME | QUOTED) ;
ID : [A-Za-z_] [A-Za-z0-9_]* ('.' [A-Za-z0-9_]+)* ;
INT : [0-9]+ ;
FLOAT : [0-9]+ '.' [0-9]+ EXPONENT? | [0-9]+ EXPONENT ;
QUANTITY : [0-9]+ ('.' [0-9]+)? EXPONENT? [A-Za-zµ]+ ('/' [A-Za-zµ]+)? ;
STRING : QUOTED ;
COMMENT : '//' ~[\r\n]* -> channel(HIDDEN) ;
WHITE_SPACE : [ \t\r\n]+ -> skip ;
UNTERMINATED_STRING : [%@]? '"' (~["\\\r\n] | '\\' ~[\r\n])* ;
UNKNOWN : . ;

fragment NAME : [A-Za-z0-9_]+ ([.\-/] [A-Za-z0-9_]+)* ;
fragment QUOTED : '"' (~["\\\r\n] | '\\' ~[\r\n])* '"' ;
fragment EXPONENT : [eE] [+\-]? [0-9]+ ;
