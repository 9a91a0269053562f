//! Pictures: their facts, and smaller ones drawn anew from their pixels.

use std::io::{BufRead, BufReader, Seek, SeekFrom};

use countersign_protocol::content::{Body, Cut, CutReason, FindingCode, Image};
use image::{
    AnimationDecoder as _, DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat,
    ImageReader, Limits,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
};

use super::{Bytes, Draft, cut, damaged, exif};

/// The most pixels that are decoded: four bytes each, and twice as much for deep colours.
const PIXELS: u64 = 40_000_000;
/// Most bytes that a decoder may take.
const MEMORY: u64 = 400 << 20;
/// The longest side of what is drawn.
const SIDE: u32 = 2_400;

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    limits
}

fn open(file: &mut dyn Bytes) -> Result<(impl ImageDecoder + '_, ImageFormat), Cut> {
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(damaged)?;
    reader.limits(limits());
    let format = reader.format().ok_or_else(|| damaged("it is no image"))?;
    Ok((reader.into_decoder().map_err(broken)?, format))
}

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    draft.content.body = Body::Image(Image::default());
    let (mut facts, format) = {
        let (mut decoder, format) = open(file)?;
        let (width, height) = decoder.dimensions();
        let profile = decoder.icc_profile().ok().flatten();
        let metadata = decoder.exif_metadata().ok().flatten();
        let facts = Image {
            width,
            height,
            colour: colour(decoder.original_color_type()),
            profile: profile.and_then(|icc| exif::profile_name(&icc)),
            gps: metadata.is_some_and(exif::has_gps),
            animated: false,
            showable: u64::from(width) * u64::from(height) <= PIXELS && width > 0 && height > 0,
        };
        (facts, format)
    };
    if facts.gps {
        draft
            .content
            .find(FindingCode::Gps, "Its metadata say where it was taken.");
    }
    if !facts.showable {
        draft.content.find(
            FindingCode::TooManyPixels,
            format!(
                "{} × {} pixels are too many to show.",
                facts.width, facts.height
            ),
        );
    }
    draft.content.body = Body::Image(facts.clone());
    if facts.showable {
        file.seek(SeekFrom::Start(0)).map_err(damaged)?;
        facts.animated = animated(BufReader::new(&mut *file), format).unwrap_or(false);
        draft.content.body = Body::Image(facts.clone());
        // A header alone may be whole: only the pixels tell whether there is a picture.
        file.seek(SeekFrom::Start(0)).map_err(damaged)?;
        let pixels =
            open(file).and_then(|(decoder, _)| DynamicImage::from_decoder(decoder).map_err(broken));
        if let Err(cut) = pixels {
            facts.showable = false;
            draft.content.body = Body::Image(facts);
            return Err(cut);
        }
    }
    Ok(())
}

fn animated(file: impl BufRead + Seek, format: ImageFormat) -> image::ImageResult<bool> {
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(file)?;
            decoder.set_limits(limits())?;
            Ok(decoder.into_frames().take(2).flatten().count() == 2)
        }
        ImageFormat::Png => PngDecoder::with_limits(file, limits())?.is_apng(),
        ImageFormat::WebP => Ok(WebPDecoder::new(file)?.has_animation()),
        _ => Ok(false),
    }
}

fn colour(kind: ExtendedColorType) -> String {
    let (words, channels) = match kind {
        ExtendedColorType::L1
        | ExtendedColorType::L2
        | ExtendedColorType::L4
        | ExtendedColorType::L8
        | ExtendedColorType::L16 => ("grey", 1),
        ExtendedColorType::La8 | ExtendedColorType::La16 => ("grey with alpha", 2),
        ExtendedColorType::Rgb8 | ExtendedColorType::Rgb16 => ("RGB", 3),
        ExtendedColorType::Rgba8 | ExtendedColorType::Rgba16 => ("RGB with alpha", 4),
        _ => ("palette or other", 1),
    };
    format!("{words}, {} bit", kind.bits_per_pixel() / channels)
}

/// Draws the picture anew, at most `side` pixels wide and high, upright, as PNG without metadata.
pub(super) fn draw(file: &mut dyn Bytes, side: u32) -> Result<Vec<u8>, Cut> {
    let side = side.clamp(1, SIDE);
    let (mut decoder, _) = open(file)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS {
        let message = format!("{width} × {height} pixels are too many to show.");
        return Err(cut(CutReason::TooLarge, message));
    }
    let orientation = decoder.orientation().ok();
    let decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let mut small = if width.max(height) > side {
        decoded.thumbnail(side, side)
    } else {
        decoded
    };
    if let Some(orientation) = orientation {
        small.apply_orientation(orientation);
    }
    // Eight bits for each channel are what screens show.
    let small = if small.color().has_alpha() {
        DynamicImage::from(small.into_rgba8())
    } else {
        DynamicImage::from(small.into_rgb8())
    };
    let mut png = std::io::Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).map_err(broken)?;
    Ok(png.into_inner())
}

fn broken(error: ImageError) -> Cut {
    match error {
        ImageError::Limits(_) => cut(CutReason::Memory, "Decoding it would take too much memory."),
        other => damaged(other),
    }
}
