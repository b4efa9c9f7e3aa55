//! Files of every kind as programs of others write them, and hostile ones.

use crate::{Budget, Extracted, File, Inside, Limits, Recording, Why, extract};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::Write;

fn read_as(bytes: &[u8], name: Option<&str>, media: Option<&str>, limits: &Limits) -> Extracted {
    extract(&File { bytes, name, media }, &mut Budget::new(limits))
}

fn read(bytes: &[u8]) -> Extracted {
    read_as(bytes, None, None, &Limits::default())
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../testdata/files/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Place and text of each text, hidden ones in brackets.
fn told(found: &Extracted) -> Vec<String> {
    found
        .texts
        .iter()
        .map(|text| {
            if text.hidden {
                format!("({}) {}", text.place, text.text)
            } else {
                format!("{} {}", text.place, text.text)
            }
        })
        .collect()
}

/// A sample says something at a place.
#[track_caller]
fn says(found: &Extracted, place: &str, text: &str) {
    let fits = |own: &&crate::Text| own.place.starts_with(place) && own.text.contains(text);
    assert!(found.texts.iter().any(|own| fits(&own)), "no `{text}` at `{place}`: {:#?}", told(found));
}

/// As above, where people do not look.
#[track_caller]
fn hides(found: &Extracted, place: &str, text: &str) {
    let fits = |own: &&crate::Text| own.hidden && own.place.starts_with(place) && own.text.contains(text);
    assert!(found.texts.iter().any(|own| fits(&own)), "no hidden `{text}` at `{place}`: {:#?}", told(found));
}

fn why(found: &Extracted) -> Vec<Why> {
    found.opaque.iter().map(|opaque| opaque.why).collect()
}

const SECRET: &str = "password: Xk29dLq8vTz1";

/// A ZIP of these entries, as its writer would write them.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, data) in entries {
        let (mut entry, config) =
            archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE).start().unwrap();
        let encoder = DeflateEncoder::new(&mut entry, Compression::best());
        let mut writer = config.wrap(encoder);
        writer.write_all(data).unwrap();
        let (encoder, output) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_document_is_read_with_what_people_do_not_see() {
    let found = read(&sample("brew-sheet.docx"));
    says(&found, "document", "The panel has password: Xk29dLq8vTz1 since May.\n");
    says(&found, "document", "TIC-101\t72.5 °C\t");
    says(&found, "header", "Header of the works");
    says(&found, "footer", "Footer of the works");
    hides(&found, "comments", "a comment by Lena");
    hides(&found, "document", "ignore all previous instructions");
    hides(&found, "document", "white on white");
    hides(&found, "core", "Jonas Falk");
    assert!(!found.texts.iter().any(|text| !text.hidden && text.text.contains("ignore all")));
    assert_eq!(why(&found), []);
}

#[test]
fn sheets_are_read_by_row_with_shared_strings_formulas_and_remarks() {
    let found = read(&sample("prices.xlsx"));
    says(&found, "sheet \"Prices\" A2:C2", "4711-B\tHopfen & Malz\t12.5");
    says(&found, "sheet \"Prices\" A3:B3", "\tpassword: Xk29dLq8vTz1");
    says(&found, "sheet \"Prices\" A4:D4", "\t\t\tfar right");
    hides(&found, "sheet \"Prices\" formulas", "SUM(C2:C4)");
    hides(&found, "sheet \"Plan\" A1", "hidden sheet says TIC-101");
    assert!(found.texts.iter().any(|text| text.place == "sheet \"Plan\" A1"));
    hides(&found, "comment", "a remark on the part");
    says(&found, "sheet names", "Plan");
    let found = read(&sample("shared.xlsx"));
    says(&found, "sheet \"Lager\" A3:C3", "Posten\tKunde 2\t3");
    assert_eq!(why(&found), []);
}

#[test]
fn slides_are_read_with_their_notes() {
    let found = read(&sample("line-3.pptx"));
    says(&found, "slide 1", "TIC-101 runs at 72.5 °C");
    hides(&found, "notes of slide 1", SECRET);
}

#[test]
fn pages_are_read_whatever_they_are_packed_in() {
    for name in ["report.pdf", "objects.pdf", "attached.pdf"] {
        let found = read(&sample(name));
        says(&found, "page 1", "First page: nothing of note.");
        says(&found, "page 2", SECRET);
        says(&found, "page 2", "Brühwasser 72.5 °C");
        hides(&found, "properties, notes and fields", "Lena Brandt");
        assert_eq!(why(&found), [], "{name}");
    }
    says(&read(&sample("attached.pdf")), "attachment", "4711-B,12.5");
    says(&read(&sample("unicode.pdf")), "page 1", "ółć password: Xk29dLq8vTz1");
}

#[test]
fn text_on_a_page_that_nobody_sees_is_marked() {
    let content =
        b"BT /F1 12 Tf 72 700 Td (seen) Tj 3 Tr 0 -20 Td (unseen) Tj 0 Tr 1 g (white) Tj 0 g /F1 0.1 Tf (tiny) Tj ET";
    let mut pdf =
        b"%PDF-1.4\n1 0 obj<</Type/Pages/Kids[2 0 R]>>endobj 2 0 obj<</Type/Page/Parent 1 0 R/Contents 3 0 R>>endobj \
        3 0 obj<</Length 9 0 R>>stream\n"
            .to_vec();
    pdf.extend_from_slice(content);
    pdf.extend_from_slice(b"\nendstream endobj 4 0 obj<</Type/Annot/Contents(a note \\(of mine\\))/A<</URI(https://x.example/\\157)>>>>endobj");
    let found = read(&pdf);
    says(&found, "page 1", "seen");
    for hidden in ["unseen", "white", "tiny"] {
        hides(&found, "page 1", hidden);
    }
    hides(&found, "properties, notes and fields", "a note (of mine)");
    hides(&found, "properties, notes and fields", "https://x.example/o");
    assert_eq!(why(&found), []);
}

#[test]
fn text_whose_codes_say_nothing_is_not_taken_for_read() {
    let page = |font: &str| {
        let page = format!(
            "%PDF-1.4 1 0 obj<</Type/Page/Contents 2 0 R/Resources<</Font<</F {font}>>>>>>endobj 2 0 obj<<>>stream\n\
             BT /F 9 Tf (AB) Tj ET\nendstream endobj"
        );
        let found = read(page.as_bytes());
        (found.texts.iter().find(|text| text.place == "page 1").map(|text| text.text.clone()), why(&found))
    };
    let said = |text: &str| (Some(text.to_owned()), vec![]);
    assert_eq!(page("<</Subtype/Type1/BaseFont/Helvetica>>"), said("AB"));
    assert_eq!(page("<</Subtype/TrueType/BaseFont/ABCDEF+Arial/Encoding/WinAnsiEncoding>>"), said("AB"));
    assert_eq!(page("<</Subtype/Type1/Encoding<</Differences[65/adieresis/uni00B0]>>>>"), said("ä°"));
    for font in [
        "<</Subtype/Type0/Encoding/Identity-H>>",
        "<</Subtype/TrueType/BaseFont/ABCDEF+Arial>>",
        "<</Subtype/Type3/Encoding<</Differences[65/g12/g13]>>>>",
    ] {
        assert_eq!(page(font).1, [Why::Unknown], "{font}");
    }
}

#[test]
fn filters_of_streams_are_undone() {
    let page = |filter: &str, data: &[u8]| {
        let head = format!("%PDF-1.4 1 0 obj<</Type/Page/Contents 2 0 R>>endobj 2 0 obj<</Filter{filter}>>stream\n");
        let found = read(&[head.as_bytes(), data, b"\nendstream endobj"].concat());
        found.texts.iter().find(|text| text.place == "page 1").map(|text| text.text.clone())
    };
    let words = Some("hello".to_owned());
    assert_eq!(page("/ASCIIHexDecode", b"42 54 2868656c6c6f29 546a 20 4554>"), words);
    assert_eq!(page("[/AHx/RL]", b"0d 42 54 20 28 68 65 6c 6c 6f 29 54 6a 20 ff 20 80>"), words);
    assert_eq!(page("/ASCII85Decode", br#"6<#'UBOu!rD^cf.C&~>"#), words);
    assert_eq!(page("/DCTDecode", b"42 54"), None);
    // `BT (hello) Tj` with a clear code before and an end after it, nine bits each.
    let (mut bits, mut packed) = (String::new(), Vec::new());
    for code in [256].into_iter().chain(b"BT (hello) Tj ".iter().map(|byte| u32::from(*byte))).chain([257]) {
        bits.push_str(&format!("{code:09b}"));
    }
    while bits.len() % 8 != 0 {
        bits.push('0');
    }
    for byte in bits.as_bytes().chunks(8) {
        packed.push(u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
    }
    assert_eq!(page("/LZWDecode", &packed), words);
}

#[test]
fn pictures_are_stripped_of_what_they_carry_and_it_is_read() {
    for (name, carried) in [
        (
            "photograph.jpg",
            &["lena.brandt@brewery-north.com", "shot by Lena", "<x:xmpmeta>brewery-north", "trailing"][..],
        ),
        ("panel.png", &["Author", "zipped by Lena", "Kessel ü", "lena.brandt@brewery-north.com", "trailing"]),
        ("panel.webp", &["lena.brandt@brewery-north.com", "<x:xmpmeta>brewery-north", "trailing"]),
        ("panel.gif", &["drawn by Lena", "trailing"]),
    ] {
        let whole = [sample(name), b"trailing text".to_vec()].concat();
        let found = read(&whole);
        for text in carried {
            hides(&found, "", text);
        }
        assert!(found.texts.iter().all(|text| text.removed), "{name}");
        assert_eq!(why(&found), [], "{name}");
        let stripped = found.stripped.unwrap().of(&whole);
        for text in ["Lena", "lena", "brewery", "trailing"] {
            assert!(memchr::memmem::find(&stripped, text.as_bytes()).is_none(), "{name}: {text}");
        }
        // What was stripped once carries nothing more, and every cut of it is damaged or whole.
        let again = read(&stripped);
        assert_eq!((&again.stripped, again.texts.len(), why(&again)), (&None, 0, vec![]), "{name}");
        for end in 12..stripped.len() {
            assert_eq!(why(&read(&stripped[..end])), [Why::Damaged], "{name} cut at {end}");
        }
    }
}

#[test]
fn a_photograph_keeps_its_orientation_and_its_coded_pixels() {
    let whole = sample("photograph.jpg");
    let stripped = read(&whole).stripped.unwrap().of(&whole);
    assert_eq!(&stripped[2..12], b"\xff\xe0\0\x10JFIF\0\x01");
    let exif = memchr::memmem::find(&stripped, b"Exif\0\0").unwrap();
    assert_eq!(&stripped[exif + 6..exif + 28], b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    let pixels = memchr::memmem::rfind(&whole, b"\xff\xda").unwrap();
    assert!(stripped.ends_with(&whole[pixels..]));
}

#[test]
fn recordings_are_stripped_of_their_tags() {
    let sound: Vec<u8> = (0..=255).rev().collect();
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [kind, &length, data, if data.len() % 2 == 1 { b"\0" } else { b"" }].concat()
    };
    let riff = |chunks: &[Vec<u8>]| chunk(b"RIFF", &[b"WAVE".to_vec(), chunks.concat()].concat());
    let tag = b"ID3\x04\0\0\0\0\0\x10TIT2 by Lena....";
    let block = |head: u8, data: &[u8]| [&[head, 0, 0, u8::try_from(data.len()).unwrap()][..], data].concat();
    let frames = [b"\xff\xfb".to_vec(), sound.clone()].concat();
    let (fmt, data) = (chunk(b"fmt ", &[1; 16]), chunk(b"data", &sound));
    let cases = [
        ([tag, &frames[..], b"TAG by Lena", &[0; 117]].concat(), frames),
        (riff(&[fmt.clone(), chunk(b"LIST", b"INFOIART by Lena!"), data.clone()]), riff(&[fmt, data])),
        (
            [b"fLaC".to_vec(), block(0, &[7; 34]), block(0x84, b"ARTIST=by Lena"), sound.clone()].concat(),
            [b"fLaC".to_vec(), block(0x80, &[7; 34]), sound].concat(),
        ),
    ];
    for (whole, bare) in cases {
        let found = read(&whole);
        hides(&found, "tags", "by Lena");
        assert_eq!((found.stripped.as_ref().map(|kept| kept.of(&whole)), why(&found)), (Some(bare.clone()), vec![]));
        assert_eq!(read(&bare).stripped, None);
    }
}

#[test]
fn a_picture_of_nothing_but_metadata_is_damaged_and_costs_no_more_than_others() {
    let pictures: [(&[u8], &[u8], &[u8]); 4] = [
        (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0", b"\0\0\0\0IEND\0\0\0\0"),
        (b"\xff\xd8", b"\xff\xfe\0\x02", b"\xff\xd9"),
        (b"\xff\xd8", b"\xff\xff\xd0", b"\xff\xd9"),
        (b"GIF89a\x01\0\x01\0\0\0\0", b"!\xfe\0", b";"),
    ];
    for (head, piece, end) in pictures {
        let whole = |count: usize| [head, &piece.repeat(count), end].concat();
        assert_eq!(why(&read(&whole(100))), [], "{head:?}");
        assert_eq!(why(&read(&whole(100_000))), [Why::Damaged], "{head:?}");
    }
}

#[test]
fn a_picture_in_a_document_is_noted_and_what_it_carries_is_read() {
    let found = read(&zip(&[("media/a.jpg", &sample("photograph.jpg"))]));
    hides(&found, "entry \"media/a.jpg\": metadata", "lena.brandt@brewery-north.com");
    assert_eq!(
        (found.pictures.as_slice(), found.stripped.is_some()),
        (&[Inside { place: "entry \"media/a.jpg\"".to_owned(), bytes: Some(sample("photograph.jpg")) }][..], false)
    );
    assert!(!found.texts.iter().any(|text| text.removed));
    assert_eq!(why(&read(b"II*\0\x08\0\0\0")), [Why::Unknown]);
}

#[test]
fn a_mail_is_read_whatever_its_parts_are_encoded_in() {
    let found = read(&sample("mail.eml"));
    says(&found, "headers", "Subject: Störung an TIC-101");
    says(&found, "part 1: part 1: body", "Grüße, password: Xk29dLq8vTz1");
    says(&found, "part 1: part 2: body: text", SECRET);
    hides(&found, "part 1: part 2: body: hidden text", "unseen");
    says(&found, "part 2: body: A2", "4711-B,12.5");
    says(&found, "part 3: attachment: sheet \"Prices\" A3:B3", SECRET);
    assert_eq!(why(&found), []);
}

#[test]
fn archives_are_read_entry_by_entry() {
    let found = read(&sample("archive.zip"));
    says(&found, "entry \"notes/shift.txt\"", SECRET);
    says(&found, "entry \"prices.xlsx\": sheet \"Prices\" A3:B3", SECRET);
    says(&found, "entry \"inner.zip\": entry \"inner.txt\"", "inner text");
    says(&found, "entry names", "notes/shift.txt");
    let found = read(&sample("archive.tar.gz"));
    says(&found, "unpacked: entry \"a/shift.txt\"", SECRET);
    assert_eq!(why(&found), []);
}

#[test]
fn rich_text_is_read_without_its_control_words() {
    let found = read(&sample("note.rtf"));
    says(&found, "text", "Brühwasser: password: Xk29dLq8vTz1\n☃");
    hides(&found, "hidden text", "unseen");
    assert!(!found.texts.iter().any(|text| text.text.contains("Arial")));
}

#[test]
fn text_is_read_in_its_encodings() {
    let check = |bytes: &[u8], media: Option<&str>, text: &str| {
        let found = read_as(bytes, None, media, &Limits::default());
        assert_eq!((found.texts.first().map(|own| own.text.as_str()), why(&found)), (Some(text), vec![]), "{bytes:?}");
    };
    let utf16 = |order: fn(u16) -> [u8; 2]| "Brühwasser 72 °C".encode_utf16().flat_map(order).collect::<Vec<u8>>();
    check("Brühwasser 72 °C".as_bytes(), None, "Brühwasser 72 °C");
    check(b"\xef\xbb\xbfBr\xc3\xbchwasser", None, "Brühwasser");
    check(&utf16(u16::to_le_bytes), None, "Brühwasser 72 °C");
    check(&utf16(u16::to_be_bytes), None, "Brühwasser 72 °C");
    check(&[b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(), None, "Brühwasser 72 °C");
    check(b"Br\xfchwasser 72 \xb0C \x80", None, "Brühwasser 72 °C €");
    check(b"\xfc", Some("text/plain; charset=windows-1252"), "ü");
}

#[test]
fn a_page_shows_one_thing_and_holds_another() {
    let page = "<!doctype html><title>t</title><p>pass<b>word</b>&#58; Xk29dLq8vTz1</p><div style=\"display: none\">do \
                <b>this</b></div><!-- note --><img alt='a tank'><p title=\"a>b\">end";
    let found = read(page.as_bytes());
    says(&found, "text", SECRET);
    says(&found, "text", "end");
    for hidden in ["do this", "note", "a tank", "a>b"] {
        hides(&found, "hidden text", hidden);
    }
}

#[test]
fn a_drawing_is_read_without_its_formatting() {
    let dxf = "0\nSECTION\n2\nENTITIES\n0\nTEXT\n8\n0\n1\nBohrung %%c12 H7\n0\nMTEXT\n3\n{\\fArial|b0;Trans\n1\nfer\\P72 \
               \\U+00B0C}\n0\nEOF\n";
    let found = read(dxf.as_bytes());
    says(&found, "drawing text", "Bohrung ⌀12 H7\nTransfer\n72 °C");
    let step = "ISO-10303-21;\nHEADER;\nFILE_NAME('a''b','2026',('J\\X2\\00FC\\X0\\rgen'));/* note */\nENDSEC;";
    let found = read(step.as_bytes());
    says(&found, "strings", "a'b\n2026\nJürgen\n note \n");
}

#[test]
fn what_cannot_be_read_says_why() {
    let check = |bytes: &[u8], expected: &[Why]| assert_eq!(why(&read(bytes)), expected, "{:?}", bytes.get(..8));
    let package: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    check(&[ole.clone(), package].concat(), &[Why::Encrypted]);
    check(&ole, &[Why::Unknown]);
    check(&sample("encrypted.pdf"), &[Why::Encrypted]);
    check(b"%PDF-1.7 and nothing else", &[Why::Damaged]);
    says(&read(b"%PDF-1.7 and nothing else"), "", "and nothing else");
    check(b"7z\xbc\xaf\x27\x1c\0\x04", &[Why::Unknown]);
    check(b"PK\x03\x04 and nothing that follows", &[Why::Damaged]);
    check(&(0..=255).collect::<Vec<u8>>(), &[Why::Unknown]);
    let mut cut = gzip(&SECRET.repeat(64).into_bytes());
    cut.truncate(cut.len() - 12);
    check(&cut, &[Why::Damaged]);
    let mut encrypted = zip(&[("a.txt", b"inner")]);
    let central = memchr::memmem::find(&encrypted, b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    check(&encrypted, &[Why::Encrypted]);
    for text in ["ID3 is a tag", "GIF89a password: Xk29dLq8vTz1", "OggS, ID3 and fLaC are three"] {
        assert_eq!(told(&read(text.as_bytes())), [format!(" {text}")]);
    }
    check(b"BZh is how this word begins, MZ that, and 7z is said aloud", &[]);
}

#[test]
fn bombs_are_stopped_where_the_limits_are() {
    let zeros = vec![b' '; 8 << 20];
    let limits = Limits { unfolded: 2 << 20, ..Limits::default() };
    let bomb = zip(&[("a.txt", &zeros), ("b.txt", &zeros), ("c.txt", b"after")]);
    assert!(bomb.len() < 64 << 10);
    let found = read_as(&bomb, None, None, &limits);
    assert!(why(&found).contains(&Why::TooLarge), "{found:?}");
    assert!(found.texts.iter().map(|text| text.text.len()).sum::<usize>() <= 3 << 20);
    // A ratio that no document has, long before the limit of bytes.
    assert_eq!(why(&read(&gzip(&zeros))), [Why::TooLarge]);
    // Entries that share bytes.
    let mut shared = zip(&[("a.txt", SECRET.as_bytes()), ("b.txt", SECRET.as_bytes())]);
    let second = memchr::memmem::rfind(&shared, b"PK\x01\x02").unwrap();
    shared[second + 42..second + 46].copy_from_slice(&[0; 4]);
    assert!(why(&read(&shared)).contains(&Why::Damaged));
    // Archives within archives.
    let mut nested = SECRET.as_bytes().to_vec();
    for _ in 0..8 {
        nested = zip(&[("a", &nested)]);
    }
    assert_eq!(why(&read(&nested)), [Why::TooDeep]);
    // More entries than are read.
    let limits = Limits { entries: 3, ..Limits::default() };
    let many: Vec<(&str, &[u8])> = vec![("a", b"x"); 9];
    let found = read_as(&zip(&many), None, None, &limits);
    assert_eq!((found.texts.len(), why(&found)), (4, vec![Why::TooLarge]));
}

#[test]
fn one_long_string_in_many_cells_is_a_bomb_too() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(200_000));
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(2000);
    let sheet = format!("<worksheet><sheetData><row r=\"1\">{cells}</row></sheetData></worksheet>");
    let book = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]);
    assert_eq!(why(&read(&book)), [Why::TooLarge]);
}

#[test]
fn a_name_or_type_that_lies_changes_nothing() {
    let book = sample("prices.xlsx");
    let found = read_as(&book, Some("holiday.jpg"), Some("image/jpeg"), &Limits::default());
    says(&found, "sheet \"Prices\" A3:B3", SECRET);
}

#[test]
fn a_file_that_is_two_things_is_read_as_both_or_said_to_be_unread() {
    // A picture with an archive behind it.
    let picture = [sample("panel.png"), zip(&[("a.txt", SECRET.as_bytes())])].concat();
    let found = read(&picture);
    says(&found, "entry \"a.txt\"", SECRET);
    assert_eq!(memchr::memmem::find(&found.stripped.unwrap().of(&picture), b"PK"), None);
    // An archive with something in front of its first entry.
    let hidden = [vec![7; 4096], zip(&[("a.txt", b"harmless")])].concat();
    let found = read(&hidden);
    says(&found, "entry \"a.txt\"", "harmless");
    assert_eq!(why(&found), [Why::Unknown]);
}

#[test]
fn names_that_could_be_content_are_not_shown_as_places() {
    let found = read(&zip(&[("AKIA1234567890.txt", b"x"), ("lena@works.example", b"y")]));
    assert_eq!(told(&found), ["entry names AKIA1234567890.txt\nlena@works.example", "entry 1 x", "entry 2 y"]);
}

/// Steps cannot be counted from outside, so this asks for time, with much room: twice the input may take four times as
/// long and more before it is called quadratic.
#[test]
fn hostile_input_costs_what_it_is_long() {
    type Maker = fn(usize) -> Vec<u8>;
    let makers: [(&str, Maker); 15] = [
        ("a.pdf", |n| format!("%PDF-1.7 {}", "1 0 obj (".repeat(n)).into_bytes()),
        ("a.pdf", |n| format!("%PDF-1.7 {}", "1 0 obj <</A [".repeat(n)).into_bytes()),
        ("a.pdf", |n| format!("%PDF-1.7 {}", "1 0 obj <<>> stream ".repeat(n)).into_bytes()),
        ("a.pdf", |n| format!("%PDF-1.7 {}", "trailer (".repeat(n)).into_bytes()),
        ("a.pdf", |n| {
            format!("%PDF-1.7 1 0 obj<</Type/Page/Contents 2 0 R>>endobj 2 0 obj<<>>stream\n{}", "BI ID ".repeat(n))
                .into_bytes()
        }),
        ("a.pdf", |n| {
            (0..n)
                .map(|at| format!("{at} 0 obj<</Type/Pages/Kids[{} 0 R]/Parent {} 0 R>>endobj ", at + 1, at + 1))
                .fold("%PDF-".to_owned(), |all, own| all + &own)
                .into_bytes()
        }),
        ("a.html", |n| "<a \"".repeat(n).into_bytes()),
        ("a.html", |n| "<!--".repeat(n).into_bytes()),
        ("a.html", |n| "<p>".repeat(n).into_bytes()),
        ("a.html", |n| "&".repeat(n).into_bytes()),
        ("a.eml", |n| "=?".repeat(n).into_bytes()),
        ("a.eml", |n| format!("Content-Type: multipart/mixed; boundary=x\n\n{}", "--x\n".repeat(n)).into_bytes()),
        ("a.rtf", |n| format!("{{\\rtf{}", "{\\v".repeat(n)).into_bytes()),
        ("a.dxf", |n| format!("0\nSECTION\n1\n{}\n", "\\f".repeat(n)).into_bytes()),
        ("a.stp", |n| format!("ISO-10303-21;{}", "'\\X2\\".repeat(n)).into_bytes()),
    ];
    for (index, (name, maker)) in makers.iter().enumerate() {
        let time = |count: usize| {
            let bytes = maker(count);
            (0..3)
                .map(|_| {
                    let began = cpu_time();
                    let _ = read_as(&bytes, Some(name), None, &Limits::default());
                    cpu_time() - began
                })
                .min()
                .unwrap()
        };
        let (once, twice) = (time(2_000), time(4_000));
        assert!(twice < once * 6 + std::time::Duration::from_millis(10), "{index} {name}: {once:?}, then {twice:?}");
    }
}

/// What this thread has had of a processor: what others do meanwhile does not count.
fn cpu_time() -> std::time::Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().unwrap()
}

/// A few of the inputs that the fuzz target would make, so that every run of the tests tries some.
#[test]
fn mutated_files_keep_the_limits() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let folder = format!("{}/../../testdata/files", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let whole = std::fs::read(entry.unwrap().path()).unwrap();
        for name in 0..24 {
            let mut bytes = [&[name], whole.as_slice()].concat();
            for _ in 0..=random(8) {
                let at = 1 + random(bytes.len() - 1);
                match random(4) {
                    0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    1 => bytes[at] ^= 1 << random(8),
                    2 => bytes.truncate(at + 1),
                    _ => {
                        let piece = bytes[at..(at + 64).min(bytes.len())].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            crate::fuzz(&bytes);
        }
    }
}

fn lasts(bytes: &[u8]) -> Option<u64> {
    match read(bytes).recording {
        Some(Recording::Lasts(length)) => Some(u64::try_from(length.as_millis()).unwrap()),
        Some(Recording::Untold) | None => None,
    }
}

#[test]
fn how_long_a_recording_sounds_is_counted_and_not_believed() {
    let chunk = |kind: &[u8], data: &[u8]| [kind, &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat();
    // 8,000 samples a second of two bytes each.
    let form = b"\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0";
    let wav = |stated: u32, bytes: usize| {
        let data = [&b"data"[..], &stated.to_le_bytes(), &vec![0x11; bytes]].concat();
        chunk(b"RIFF", &[b"WAVE".to_vec(), chunk(b"fmt ", form), data].concat())
    };
    assert_eq!(lasts(&wav(24_000, 24_000)), Some(1500));
    // A size of one second, and ten of sound behind it.
    assert_eq!(lasts(&wav(16_000, 160_000)), Some(10_000));
    // 128 kbit/s at 44.1 kHz: 417 bytes and 1,152 samples a frame.
    let frame = [b"\xff\xfb\x90\x64".to_vec(), vec![0x55; 413]].concat();
    assert_eq!(lasts(&frame.repeat(100)), Some(2612));
    assert_eq!(lasts(&[b"ID3\x04\0\0\0\0\0\x02ab".to_vec(), frame.repeat(50)].concat()), Some(1306));
    assert_eq!(lasts(&[frame.clone(), vec![0x55; 4000], frame.clone()].concat()), None);
    // AAC begins alike.
    assert_eq!(lasts(&[0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f].repeat(90)), None);
    let flac = |samples: u32, bytes: usize| {
        // 44,100 Hz, two channels, sixteen bits.
        let packed = 44_100u64 << 44 | 1 << 41 | 15 << 36 | u64::from(samples);
        let info = [&[0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &packed.to_be_bytes(), &[0; 16]].concat();
        [b"fLaC\x80\0\0\x22".to_vec(), info, vec![0x77; bytes]].concat()
    };
    assert_eq!(lasts(&flac(441_000, 900_000)), Some(10_000));
    assert_eq!(lasts(&flac(0, 900_000)), None);
    // More bytes than a second could have.
    assert_eq!(lasts(&flac(44_100, 40_000_000)), None);
    assert_eq!(read(b"\0\0\0\x18ftypM4A \0\0\0\0").recording, Some(Recording::Untold));
    assert_eq!(read(b"a text").recording, None);
}

/// A page of Ogg with these packets; its checksum is left open, as nothing reads it here.
fn page(flags: u8, granule: u64, number: u32, packets: &[&[u8]]) -> Vec<u8> {
    let lacing: Vec<u8> = packets
        .iter()
        .flat_map(|packet| {
            std::iter::repeat_n(255, packet.len() / 255).chain([u8::try_from(packet.len() % 255).unwrap()])
        })
        .collect();
    let head = [&b"OggS\0"[..], &[flags], &granule.to_le_bytes(), b"sers", &number.to_le_bytes(), &[0; 4]].concat();
    [head, vec![u8::try_from(lacing.len()).unwrap()], lacing, packets.concat()].concat()
}

#[test]
fn comments_of_ogg_go_and_the_sound_stays_packet_for_packet() {
    let comment = |begin: &[u8], end: &[u8]| {
        [begin, b"\x04\0\0\0libx\x01\0\0\0\x30\x01\0\0ARTIST=by Lena", &[b'x'; 290], end].concat()
    };
    // Twenty milliseconds each; the last is two frames of ten.
    let sound: [&[u8]; 3] = [b"\x98first", b"\x98second", b"\x91third"];
    let opus = |tags: &[u8]| {
        [page(2, 0, 0, &[b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0"]), page(0, 0, 1, &[tags]), page(4, 2880, 2, &sound)]
            .concat()
    };
    let whole = opus(&comment(b"OpusTags", b""));
    let found = read(&whole);
    hides(&found, "tags", "by Lena");
    assert_eq!(lasts(&whole), Some(60));
    let stripped = found.stripped.unwrap().of(&whole);
    assert_eq!(without_checksums(&stripped), without_checksums(&opus(b"OpusTags\0\0\0\0\0\0\0\0")));
    assert!(read(&stripped).stripped.is_none() && lasts(&stripped) == Some(60));
    let id = b"\x01vorbis\0\0\0\0\x01\x44\xac\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xb8\x01";
    let vorbis = |tags: &[u8]| {
        [page(2, 0, 0, &[id]), page(0, 0, 1, &[tags, b"\x05vorbis setup"]), page(4, 88_200, 2, &sound)].concat()
    };
    let whole = vorbis(&comment(b"\x03vorbis", b"\x01"));
    let stripped = read(&whole).stripped.unwrap().of(&whole);
    assert_eq!(without_checksums(&stripped), without_checksums(&vorbis(b"\x03vorbis\0\0\0\0\0\0\0\0\x01")));
    assert_eq!(lasts(&stripped), Some(2000));
    // What stands behind the last page goes too.
    let longer = [&stripped[..], b"by Lena, behind"].concat();
    let found = read(&longer);
    hides(&found, "behind", "by Lena");
    assert_eq!(found.stripped.map(|kept| kept.of(&longer)), Some(stripped));
}

fn without_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in memchr::memmem::find_iter(&bytes.clone(), b"OggS") {
        bytes[at + 22..at + 26].fill(0);
    }
    bytes
}
