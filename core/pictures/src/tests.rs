//! Pictures that are made here: known again when they are changed, kept apart from others, and bounded when they are hostile.

use crate::{Budget, Gallery, GalleryError, Kind, Limits, Picture, Registration, Sight, Unread, pixels};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use plant::{Label, PictureId};
use prints::Keys;
use prints::file::FileError;
use std::io::Cursor;

/// A drawing of so many flanges and holes, each time the same.
fn drawing(seed: u32) -> DynamicImage {
    let mut picture = RgbImage::from_pixel(900, 600, Rgb([255; 3]));
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(99);
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for _ in 0..14 {
        let (x, y, across, down) = (40 + next(600), 40 + next(350), 40 + next(220), 30 + next(170));
        if next(3) == 0 {
            for step in 0..2000 {
                let turn = f64::from(step) * std::f64::consts::TAU / 2000.0;
                let at = |middle: u32, reach: u32, share: f64| {
                    (f64::from(middle) + f64::from(reach) / 2.0 * (1.0 + share)) as u32
                };
                dot(&mut picture, at(x, across, turn.cos()), at(y, across, turn.sin()).min(590));
            }
        } else {
            for step in 0..across {
                dot(&mut picture, x + step, y);
                dot(&mut picture, x + step, y + down);
            }
            for step in 0..down {
                dot(&mut picture, x, y + step);
                dot(&mut picture, x + across, y + step);
            }
        }
    }
    DynamicImage::from(picture).resize_exact(450, 300, FilterType::Triangle)
}

fn dot(picture: &mut RgbImage, x: u32, y: u32) {
    for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
        if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
            *pixel = Rgb([20, 20, 20]);
        }
    }
}

/// An operator panel: areas of few colours.
fn panel() -> DynamicImage {
    let colours = [[60, 68, 80], [30, 120, 60], [200, 60, 40], [230, 230, 230], [20, 90, 160], [90, 90, 90]];
    RgbImage::from_fn(800, 480, |x, y| {
        Rgb(colours[(x / 133) as usize % 6].map(|own: u8| if (y / 80) % 2 == 0 { own } else { 255 - own }))
    })
    .into()
}

/// Light on a rough surface, as a camera sees it.
fn photograph() -> DynamicImage {
    RgbImage::from_fn(640, 480, |x, y| {
        let rough = (x * 7919 + y * 104_729 + x * y * 31) % 23;
        let shade = (x as f64 / 90.0).sin() * 50.0 + (y as f64 / 70.0).cos() * 40.0 + 120.0 + f64::from(rough);
        Rgb([shade as u8, (shade * 0.8) as u8, (shade * 0.6 + f64::from(x % 64) / 4.0) as u8])
    })
    .into()
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn read(bytes: &[u8]) -> Result<Picture, Unread> {
    Picture::decode(bytes, &mut Budget::new(&Limits::default()))
}

fn keys() -> Keys {
    Keys::new(&[7; 32])
}

fn registration(name: &str) -> Registration {
    Registration {
        id: PictureId::new(name).unwrap(),
        label: Label::new("picture.drawing").unwrap(),
        sensitivity: Some("secret".to_owned()),
    }
}

/// Six drawings.
fn gallery() -> Gallery {
    let mut gallery = Gallery::default();
    for seed in 0..6 {
        let added =
            gallery.add(registration(&format!("d-{seed}")), &read(&png(&drawing(seed))).unwrap(), &keys()).unwrap();
        assert!(!added.replaced && added.like.is_none() && added.looks > 1);
    }
    gallery
}

fn found(gallery: &Gallery, bytes: &[u8]) -> Vec<(String, bool)> {
    let found = gallery.find(&Sight::of(&read(bytes).unwrap(), &keys()));
    found.into_iter().map(|one| (one.picture.id.to_string(), one.exact)).collect()
}

#[test]
fn a_drawing_is_known_again_whatever_was_done_to_it() {
    let (gallery, own) = (gallery(), drawing(3));
    assert_eq!(found(&gallery, &png(&own)), [("d-3".to_owned(), true)]);
    let mut inverted = own.clone();
    inverted.invert();
    let mut coarse = Cursor::new(Vec::new());
    own.write_with_encoder(JpegEncoder::new_with_quality(&mut coarse, 30)).unwrap();
    let mut page = RgbImage::from_pixel(650, 500, Rgb([255; 3]));
    image::imageops::overlay(&mut page, &own.to_rgb8(), 150, 20);
    for (way, bytes) in [
        ("half", png(&own.resize_exact(225, 150, FilterType::Triangle))),
        ("coarse", coarse.into_inner()),
        ("light for dark", png(&inverted)),
        ("mirrored", png(&own.fliph())),
        ("turned", png(&own.rotate90())),
        ("margins", png(&page.into())),
        ("GIF", encoded(&own, ImageFormat::Gif)),
        ("BMP", encoded(&own, ImageFormat::Bmp)),
        ("WebP", encoded(&own, ImageFormat::WebP)),
    ] {
        assert!(found(&gallery, &bytes).iter().any(|(name, _)| name == "d-3"), "{way}");
    }
    assert_eq!(found(&gallery, &png(&drawing(17))), []);
    assert_eq!(found(&gallery, &png(&photograph())), []);
}

#[test]
fn what_is_transparent_shows_white() {
    let clear = RgbaImage::from_fn(900, 600, |x, y| {
        let ink = drawing_at(x, y);
        if ink { Rgba([0, 0, 0, 255]) } else { Rgba([0, 0, 0, 0]) }
    });
    let flat = RgbImage::from_fn(900, 600, |x, y| if drawing_at(x, y) { Rgb([0; 3]) } else { Rgb([255; 3]) });
    let mut gallery = Gallery::default();
    gallery.add(registration("clear"), &read(&png(&clear.into())).unwrap(), &keys()).unwrap();
    assert_eq!(found(&gallery, &png(&flat.into())), [("clear".to_owned(), true)]);
}

fn drawing_at(x: u32, y: u32) -> bool {
    (x / 2) % 97 == 3 && (100..500).contains(&y) || (y / 2) % 61 == 7 && (90..700).contains(&x)
}

#[test]
fn what_shows_nothing_cannot_be_registered() {
    let blank: DynamicImage = RgbImage::from_pixel(300, 300, Rgb([250; 3])).into();
    let mut gallery = Gallery::default();
    let refused = gallery.add(registration("blank"), &read(&png(&blank)).unwrap(), &keys());
    assert_eq!(refused, Err(GalleryError::Plain));
    assert_eq!(found(&self::gallery(), &png(&blank)), []);
}

#[test]
fn the_file_holds_looks_under_the_key_and_nothing_else_opens_it() {
    let gallery = gallery();
    let bytes = gallery.encode(&keys());
    assert_eq!(Gallery::decode(&bytes, &keys()).as_ref(), Ok(&gallery));
    assert_eq!(Gallery::decode(&bytes, &Keys::new(&[8; 32])), Err(FileError::OtherKey));
    let other = gallery.encode(&Keys::new(&[8; 32]));
    let same = bytes.windows(16).skip(28).filter(|own| other.windows(16).any(|theirs| theirs == *own)).count();
    // Names and labels stand in both; no look does, save for a chance.
    assert!(same < 6 * 40, "{same}");
    for at in (0..bytes.len()).step_by(37) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Gallery::decode(&damaged, &keys()).is_err(), "{at}");
        assert!(Gallery::decode(&bytes[..at], &keys()).is_err(), "{at}");
    }
    let mut less = gallery.clone();
    assert!(less.remove(&PictureId::new("d-2").unwrap()) && !less.remove(&PictureId::new("d-2").unwrap()));
    assert_eq!(less.pictures().len(), 5);
}

#[test]
fn sorts_of_pictures_are_told_apart() {
    for (picture, kind) in [(drawing(1), Kind::Drawing), (panel(), Kind::Screen), (photograph(), Kind::Photograph)] {
        assert_eq!(read(&png(&picture)).unwrap().kind(), kind);
        assert_eq!(read(&encoded(&picture, ImageFormat::Jpeg)).unwrap().kind(), kind, "{kind:?} as JPEG");
    }
}

#[test]
fn a_picture_that_leaves_smaller_or_blurred_is_still_one_of_its_kind() {
    let bytes = encoded(&drawing(2), ImageFormat::Jpeg);
    let small = read(&bytes).unwrap().smaller(200).unwrap().unwrap();
    assert!(small.starts_with(b"\xff\xd8\xff"));
    let small = read(&small).unwrap();
    assert_eq!((small.width(), small.height()), (200, 133));
    assert_eq!(small.smaller(200), Ok(None));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
        let blurred = read(&encoded(&drawing(2), format)).unwrap().blurred(16, 512).unwrap();
        assert_eq!(image::guess_format(&blurred).unwrap(), format);
        let blurred = read(&blurred).unwrap();
        assert_eq!((blurred.width(), blurred.height()), (450, 300));
        // No line is left: neighbours differ by next to nothing.
        let gray = blurred.image.to_luma8();
        let steps = gray.enumerate_pixels().filter(|(x, _, _)| *x > 0);
        let steepest = steps.map(|(x, y, pixel)| pixel.0[0].abs_diff(gray.get_pixel(x - 1, y).0[0])).max();
        assert!(steepest.unwrap() <= 24, "{format:?}: {steepest:?}");
    }
}

#[test]
fn codes_in_a_picture_are_read_whole_turned_and_small() {
    let sample =
        |name: &str| std::fs::read(format!("{}/../../testdata/codes/{name}.png", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let said = |bytes: &[u8]| -> Vec<(&str, String)> {
        read(bytes).unwrap().codes().into_iter().map(|code| (code.form, code.text)).collect()
    };
    for (name, form) in
        [("qr", "QR code"), ("data-matrix", "Data Matrix"), ("code-128", "Code 128"), ("pdf-417", "PDF417")]
    {
        let found = said(&sample(name));
        assert!(found.contains(&(form, "password: Xk29dLq8vTz1".to_owned())), "{name}: {found:?}");
    }
    let mut page = RgbImage::from_pixel(700, 500, Rgb([238, 240, 235]));
    let code = image::load_from_memory(&sample("qr")).unwrap().to_rgb8();
    image::imageops::overlay(&mut page, &code, 380, 200);
    let page = DynamicImage::from(page);
    for (way, bytes) in [
        ("turned", png(&page.rotate90())),
        ("as JPEG", encoded(&page, ImageFormat::Jpeg)),
        ("scaled", png(&page.resize_exact(1000, 714, FilterType::Triangle))),
    ] {
        assert!(said(&bytes).iter().any(|(form, _)| *form == "QR code"), "{way}");
    }
    for (nothing, picture) in [("drawing", drawing(5)), ("panel", panel()), ("photograph", photograph())] {
        assert_eq!(said(&png(&picture)), [], "{nothing}");
    }
}

/// A PNG that says that it is so large, with a pixel in it.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&RgbImage::new(1, 1).into());
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn sizes_are_judged_before_pixels_are() {
    for (width, height) in [(30_000, 30_000), (u32::MAX >> 1, 1), (1, 40_000), (8_001, 8_000)] {
        assert_eq!(read(&claims(width, height)).err(), Some(Unread::TooLarge), "{width} x {height}");
    }
    assert_eq!(read(&claims(4_000, 4_000)).err(), Some(Unread::Damaged));
    assert_eq!(pixels(&claims(30_000, 30_000)), Some(900_000_000));
    assert_eq!(read(b"%PDF-1.7").err(), Some(Unread::Unknown));
}

#[test]
fn a_photograph_of_a_thousand_scans_is_not_drawn() {
    let whole = encoded(&photograph(), ImageFormat::Jpeg);
    assert!(read(&whole).is_ok());
    let at = whole.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
    let scan = &whole[at..at + 40];
    assert_eq!(read(&[&whole[..at], &scan.repeat(1000), &whole[at..]].concat()).err(), Some(Unread::TooLarge));
}

#[test]
fn the_pictures_of_a_message_share_a_budget() {
    let (bytes, limits) = (png(&panel()), Limits { all: 1_000_000, count: 3, ..Limits::default() });
    let mut budget = Budget::new(&limits);
    assert!(Picture::decode(&bytes, &mut budget).is_ok() && Picture::decode(&bytes, &mut budget).is_ok());
    assert_eq!(Picture::decode(&bytes, &mut budget).err(), Some(Unread::TooLarge));
    let (tiny, mut budget) = (png(&RgbImage::new(2, 2).into()), Budget::new(&limits));
    let read: Vec<bool> = (0..4).map(|_| Picture::decode(&tiny, &mut budget).is_ok()).collect();
    assert_eq!(read, [true, true, true, false]);
}

#[test]
fn a_picture_cut_or_altered_anywhere_is_read_or_refused() {
    let small = drawing(4).resize_exact(60, 40, FilterType::Triangle);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
        let bytes = encoded(&small, format);
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            crate::fuzz_picture(&bytes[..at]);
            let mut altered = bytes.clone();
            altered[at] ^= 0x55;
            crate::fuzz_picture(&altered);
        }
    }
}
