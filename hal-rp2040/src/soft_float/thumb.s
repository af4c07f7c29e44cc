@ Sums, products, comparisons and conversions of f32 for ARMv6-M, whose multiplication takes a cycle
@ and leaves the lower 32 bits, and which cannot count leading zeros.
@
@ Where the bits below the last one kept are called low: `lsrs` leaves the first of them in the
@ carry, which `adcs` adds. That is the right rounding unless all the others are zero; then, and
@ only then, the code looks for halves.

    .syntax unified

@ A function of the run-time ABI in a section of its own.
    .macro function name
    .section .text.\name, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

@ The mantissa, its hidden bit first, of a register; `top` is 2^31.
    .macro mantissa register, top
    lsls \register, #8
    orrs \register, \top
    .endm

    function __aeabi_fmul
    @ Exponents of 64 to 191 and of 64 to 189: their product is an ordinary number.
    lsls r2, r0, #1
    adds r2, r2
    bvc .Lmul_far
    lsls r3, r1, #1
    lsrs r3, #24
    subs r3, #64
    cmp r3, #125
    bhi .Lmul_far
    @ Signs and exponents; a sum of signs is right modulo two.
    lsrs r2, r0, #23
    lsrs r3, r1, #23
    adds r2, r3
    mov r12, r2
    movs r3, #1
    lsls r3, #23
    lsls r0, #9
    lsrs r0, #9
    orrs r0, r3
    lsls r1, #9
    lsrs r1, #9
    orrs r1, r3
    @ 24 bits times 8, 8 times 16, 16 times 16.
    uxtb r3, r1
    muls r3, r0
    uxtb r2, r0
    lsrs r1, #8
    muls r2, r1
    lsrs r0, #8
    muls r0, r1
    lsrs r1, r3, #8
    adds r2, r1
    lsrs r1, r2, #8
    @ The upper 32 bits of 48; below them the last eight of r2 and of r3.
    adds r0, r1
    bpl .Lmul_below_two
    lsls r1, r0, #25
    beq .Lmul_half_8
.Lmul_round_8:
    mov r1, r12
    subs r1, #127
    lsls r1, #23
    lsrs r0, #8
    adcs r0, r1
    bx lr
.Lmul_below_two:
    lsls r1, r0, #26
    beq .Lmul_half_7
.Lmul_round_7:
    mov r1, r12
    subs r1, #128
    lsls r1, #23
    lsrs r0, #7
    adcs r0, r1
    bx lr
.Lmul_half_8:
    orrs r2, r3
    lsls r2, #24
    bne .Lmul_round_8
    mov r1, r12
    subs r1, #127
    lsls r1, #23
    lsrs r0, #8
    bcs .Lmul_even
    adds r0, r1
    bx lr
.Lmul_half_7:
    orrs r2, r3
    lsls r2, #24
    bne .Lmul_round_7
    mov r1, r12
    subs r1, #128
    lsls r1, #23
    lsrs r0, #7
    bcs .Lmul_even
    adds r0, r1
    bx lr
.Lmul_even:
    adcs r0, r1
    lsrs r0, #1
    lsls r0, #1
    bx lr
.Lmul_far:
    lsls r2, r0, #1
    beq .Lmul_zero
    lsls r3, r1, #1
    bne .Lmul_any
    lsls r3, r0, #1
    b .Lmul_zero_by
.Lmul_zero:
    lsls r3, r1, #1
.Lmul_zero_by:
    lsrs r3, #24
    cmp r3, #255
    beq .Lmul_any
    eors r0, r1
    lsrs r0, #31
    lsls r0, #31
    bx lr
.Lmul_any:
    ldr r3, .Lmul_any_address
    bx r3
    .balign 4
.Lmul_any_address:
    .word {product_of_any}

    function __aeabi_fsub
    movs r2, #1
    lsls r2, #31
    eors r1, r2
    @ In the same section, for it falls through.
    .global __aeabi_fadd
    .type __aeabi_fadd, %function
    .thumb_func
__aeabi_fadd:
    @ Without the sign, the bits order as the magnitudes do: a in r0 shall be the larger.
    lsls r2, r0, #1
    lsls r3, r1, #1
    cmp r2, r3
    blo .Ladd_swap
.Ladd_ordered:
    lsrs r3, #24
    beq .Ladd_tiny
    lsrs r2, #24
    subs r3, r2, r3
    @ From 28 on no difference can become subnormal, up to 253 no sum infinite.
    subs r2, #28
    cmp r2, #226
    bhs .Ladd_any
    movs r2, r0
    eors r2, r1
    bmi .Lsub
    movs r2, #1
    lsls r2, #31
    mantissa r1, r2
    mov r12, r1
    lsrs r1, r3
    @ To the bits of a, whose mantissa ends where the eight low ones of b begin.
    lsls r2, r1, #25
    beq .Ladd_half
.Ladd_round:
    lsrs r3, r1, #8
    adcs r3, r0
    movs r2, r3
    eors r2, r0
    lsrs r2, #23
    bne .Ladd_carry
    movs r0, r3
    bx lr
.Ladd_half:
    lsls r2, r1, #24
    beq .Ladd_round
    @ What the shift threw away.
    movs r2, #32
    subs r2, r3
    mov r3, r12
    lsls r3, r2
    bne .Ladd_round
    lsrs r3, r1, #8
    adcs r3, r0
    movs r2, r3
    eors r2, r0
    lsrs r2, #23
    bne .Ladd_carry
    lsrs r0, r3, #1
    lsls r0, #1
    bx lr
    @ The mantissa ran over its 24 bits, or was rounded up to them.
.Ladd_carry:
    lsrs r3, r0, #23
    adds r3, #1
    lsls r3, #23
    movs r2, #1
    lsls r2, #31
    mantissa r0, r2
    adds r0, r1
    bcc .Ladd_rounded_up
    lsls r2, r0, #24
    beq .Ladd_carry_half
.Ladd_carry_round:
    lsrs r0, #9
    adcs r0, r3
    bx lr
.Ladd_rounded_up:
    movs r0, r3
    bx lr
.Ladd_carry_half:
    lsls r2, r0, #23
    beq .Ladd_carry_round
    @ Whether b is what it was before its shift. The sum of two 32 bits long ran over: b is not 0.
    cmp r1, #0
    bmi .Ladd_carry_even
.Ladd_carry_back:
    lsls r1, #1
    bpl .Ladd_carry_back
    cmp r1, r12
    bne .Ladd_carry_up
.Ladd_carry_even:
    lsrs r0, #9
    adcs r0, r3
    lsrs r0, #1
    lsls r0, #1
    bx lr
.Ladd_carry_up:
    lsrs r0, #9
    adcs r0, r3
    bx lr
.Ladd_swap:
    mov r12, r0
    movs r0, r1
    mov r1, r12
    lsls r2, r0, #1
    lsls r3, r1, #1
    b .Ladd_ordered
    @ b is zero or subnormal.
.Ladd_tiny:
    lsls r3, r1, #1
    bne .Ladd_any
    lsrs r3, r2, #24
    beq .Ladd_tiny_both
    cmp r3, #255
    beq .Ladd_any
    bx lr
.Ladd_tiny_both:
    cmp r2, #0
    bne .Ladd_any
    ands r0, r1
    bx lr
.Ladd_any:
    ldr r3, .Ladd_any_address
    bx r3
    .balign 4
.Ladd_any_address:
    .word {sum_of_any}

    @ Opposite signs: a less b.
.Lsub:
    movs r2, #1
    lsls r2, #31
    mantissa r1, r2
    cmp r3, #1
    bls .Lsub_close
    mov r12, r1
    lsrs r1, r3
    lsls r2, r1, #25
    beq .Lsub_half
.Lsub_round:
    rsbs r1, r1, #0
    asrs r3, r1, #8
    adds r3, r0
    movs r2, r3
    eors r2, r0
    lsls r2, #9
    bcs .Lsub_borrow
    lsrs r1, #8
    movs r0, #0
    adcs r0, r3
    bx lr
.Lsub_half:
    lsls r2, r1, #24
    beq .Lsub_round
    movs r2, #32
    subs r2, r3
    mov r3, r12
    lsls r3, r2
    bne .Lsub_below_half
    rsbs r1, r1, #0
    asrs r3, r1, #8
    adds r3, r0
    movs r2, r3
    eors r2, r0
    lsls r2, #9
    bcs .Lsub_borrow
    movs r0, #1
    ands r0, r3
    adds r0, r3
    bx lr
.Lsub_below_half:
    rsbs r1, r1, #0
    asrs r3, r1, #8
    adds r3, r0
    movs r2, r3
    eors r2, r0
    lsls r2, #9
    bcs .Lsub_borrow
    movs r0, r3
    bx lr
    @ The first bit is gone, and the second, as b is less than half of a, is not.
.Lsub_borrow:
    lsrs r3, #23
    subs r3, #1
    lsls r3, #23
    movs r2, #1
    lsls r2, #31
    mantissa r0, r2
    adds r0, r1
    lsls r2, r0, #26
    beq .Lsub_borrow_half
.Lsub_borrow_round:
    lsrs r0, #7
    adcs r0, r3
    bx lr
.Lsub_borrow_half:
    lsls r2, r0, #25
    beq .Lsub_borrow_round
    rsbs r1, r1, #0
.Lsub_borrow_back:
    lsls r1, #1
    bpl .Lsub_borrow_back
    cmp r1, r12
    bne .Lsub_borrow_below
    lsrs r0, #7
    adcs r0, r3
    lsrs r0, #1
    lsls r0, #1
    bx lr
.Lsub_borrow_below:
    lsrs r0, #7
    adds r0, r3
    bx lr
    @ Exponents equal or next to each other: nothing is lost but by one bit.
.Lsub_close:
    lsrs r1, r3
    lsrs r3, r0, #23
    subs r3, #1
    mantissa r0, r2
    subs r0, r1
    beq .Lsub_done
    bmi .Lsub_close_round
    lsrs r1, r0, #24
    beq .Lsub_close_bytes
.Lsub_close_bits:
    subs r3, #1
    lsls r0, #1
    bpl .Lsub_close_bits
.Lsub_close_exact:
    lsls r3, #23
    lsrs r0, #8
    adds r0, r3
.Lsub_done:
    bx lr
.Lsub_close_bytes:
    subs r3, #8
    lsls r0, #8
    lsrs r1, r0, #24
    beq .Lsub_close_bytes
    cmp r0, #0
    bpl .Lsub_close_bits
    b .Lsub_close_exact
.Lsub_close_round:
    lsls r3, #23
    lsrs r0, #8
    bcs .Lsub_close_even
    adds r0, r3
    bx lr
.Lsub_close_even:
    adcs r0, r3
    lsrs r0, #1
    lsls r0, #1
    bx lr

@ 1 if x < y (`over` is bge, `under` is bls) or x <= y (bgt, blo), else 0: also if one is not a
@ number, which only the larger magnitude can be where the comparison of bits speaks for yes.
    .macro compare name, x, y, over, under, equal
    function \name
    movs r3, \x
    orrs r3, \y
    bmi 3f
    cmp \x, \y
    \over 2f
    movs r2, #255
    lsls r2, #23
    cmp \y, r2
    bhi 2f
1:
    movs r0, #1
    bx lr
2:
    movs r0, #0
    bx lr
3:
    movs r2, #255
    lsls r2, #24
    movs r3, \x
    ands r3, \y
    bmi 4f
    lsls r3, \x, #1
    cmp r3, r2
    bhi 2b
    lsls r3, \y, #1
    cmp r3, r2
    bhi 2b
    @ Zeros of either sign are equal.
    movs r3, \x
    orrs r3, \y
    lsls r3, #1
    beq 5f
    cmp \x, \y
    blt 1b
    b 2b
4:
    cmp \x, \y
    \under 2b
    lsls r3, \x, #1
    cmp r3, r2
    bhi 2b
    b 1b
5:
    movs r0, #\equal
    bx lr
    .endm

    compare __aeabi_fcmplt, r0, r1, bge, bls, 0
    compare __aeabi_fcmpgt, r1, r0, bge, bls, 0
    compare __aeabi_fcmple, r0, r1, bgt, blo, 1
    compare __aeabi_fcmpge, r1, r0, bgt, blo, 1

    function __aeabi_fcmpeq
    cmp r0, r1
    beq 1f
    orrs r0, r1
    lsls r0, #1
    beq 2f
    movs r0, #0
    bx lr
1:
    movs r2, #255
    lsls r2, #24
    lsls r0, #1
    cmp r0, r2
    bhi 3f
2:
    movs r0, #1
    bx lr
3:
    movs r0, #0
    bx lr

    function __aeabi_fcmpun
    movs r2, #255
    lsls r2, #24
    lsls r0, #1
    cmp r0, r2
    bhi 1f
    lsls r1, #1
    cmp r1, r2
    bhi 1f
    movs r0, #0
    bx lr
1:
    movs r0, #1
    bx lr

    function __aeabi_i2f
    @ Sign and exponent of a first bit in place 31, less the hidden bit.
    lsrs r1, r0, #31
    lsls r1, #8
    adds r1, #157
    cmp r0, #0
    bgt 1f
    beq 5f
    rsbs r0, r0, #0
1:
    lsrs r3, r0, #16
    bne 2f
    lsls r0, #16
    subs r1, #16
2:
    lsrs r3, r0, #24
    bne 3f
    lsls r0, #8
    subs r1, #8
3:
    lsrs r3, r0, #28
    bne 4f
    lsls r0, #4
    subs r1, #4
4:
    cmp r0, #0
    bmi 7f
6:
    subs r1, #1
    lsls r0, #1
    bpl 6b
7:
    lsls r1, #23
    lsls r3, r0, #25
    beq 8f
    lsrs r0, #8
    adcs r0, r1
5:
    bx lr
8:
    lsrs r0, #8
    bcs 9f
    adds r0, r1
    bx lr
9:
    adcs r0, r1
    lsrs r0, #1
    lsls r0, #1
    bx lr

    .text
