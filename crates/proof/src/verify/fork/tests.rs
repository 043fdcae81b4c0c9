use super::*;

#[test]
fn of_two_signatures_the_worse_is_told_and_of_equal_ones_the_first() {
    let (ok, unknown) = (Authenticity::Ok, Authenticity::UnknownKey);
    let (invalid, retired) = (Authenticity::SignatureInvalid, Authenticity::KeyRetired);
    for (one, other, told) in [
        (ok, unknown, unknown),
        (unknown, ok, unknown),
        (unknown, invalid, invalid),
        (retired, unknown, retired),
        (retired, invalid, retired),
        (invalid, retired, invalid),
        (unknown, Authenticity::SelfKeyed, unknown),
    ] {
        assert_eq!(worse(one, other), told);
    }
}
