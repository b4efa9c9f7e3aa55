//! Recipes: BeerXML 1.0, BatchML (ISA-88), tables of ingredients, procedures by the words of ISA-88.

use super::{SURE, word};

/// Elements of BeerXML that nothing else has. Sorted.
const BEER: [&str; 107] = [
    "ABSORPTION",
    "ABV_MAX",
    "ABV_MIN",
    "ACTUAL_EFFICIENCY",
    "ADD_AFTER_BOIL",
    "ADD_TO_SECONDARY",
    "AGE_TEMP",
    "ALPHA",
    "AMOUNT_IS_WEIGHT",
    "ATTENUATION",
    "BATCH_SIZE",
    "BEST_FOR",
    "BOILING_POINT",
    "BOIL_SIZE",
    "BOIL_TIME",
    "BREWNOTES",
    "CALCIUM",
    "CALC_BOIL_VOLUME",
    "CARBONATION",
    "CARBONATION_TEMP",
    "CARBONATION_USED",
    "CARB_MAX",
    "CARB_MIN",
    "CATEGORY_NUMBER",
    "COARSE_FINE_DIFF",
    "COHUMULONE",
    "COLOR_MAX",
    "COLOR_MIN",
    "CULTURE_DATE",
    "DIASTATIC_POWER",
    "DISPLAY_BATCH_SIZE",
    "DISPLAY_BOIL_SIZE",
    "EFFICIENCY",
    "END_TEMP",
    "EQUIPMENTS",
    "EQUIP_ADJUST",
    "EST_ABV",
    "EST_COLOR",
    "EST_FG",
    "EST_OG",
    "EVAP_RATE",
    "FERMENTABLE",
    "FERMENTABLES",
    "FERMENTATION_STAGES",
    "FG",
    "FG_MAX",
    "FG_MIN",
    "FLOCCULATION",
    "FORCED_CARBONATION",
    "GRAIN_TEMP",
    "HOP",
    "HOPS",
    "HOP_UTILIZATION",
    "HSI",
    "HUMULENE",
    "IBU_GAL_PER_LB",
    "IBU_MAX",
    "IBU_METHOD",
    "IBU_MIN",
    "INFUSE_AMOUNT",
    "INFUSE_TEMP",
    "INSTRUCTIONS",
    "KEG_PRIMING_FACTOR",
    "LABORATORY",
    "LAUTER_DEADSPACE",
    "MASH",
    "MASHS",
    "MASH_STEP",
    "MASH_STEPS",
    "MAX_IN_BATCH",
    "MAX_REUSE",
    "MAX_TEMPERATURE",
    "MIN_TEMPERATURE",
    "MISCS",
    "MOISTURE",
    "MYRCENE",
    "OG",
    "OG_MAX",
    "OG_MIN",
    "PRIMARY_AGE",
    "PRIMARY_TEMP",
    "PRIMING_SUGAR_EQUIV",
    "PRIMING_SUGAR_NAME",
    "RAMP_TIME",
    "REAL_EVAP_RATE",
    "RECIPE",
    "RECIPES",
    "RECOMMEND_MASH",
    "SECONDARY_AGE",
    "SECONDARY_TEMP",
    "SPARGE_TEMP",
    "STEP_TEMP",
    "STEP_TIME",
    "STYLES",
    "STYLE_GUIDE",
    "STYLE_LETTER",
    "TASTE_NOTES",
    "TERTIARY_AGE",
    "TERTIARY_TEMP",
    "TIMES_CULTURED",
    "TOP_UP_KETTLE",
    "TOP_UP_WATER",
    "TRUB_CHILLER_LOSS",
    "TUN_TEMP",
    "WATERS",
    "YEASTS",
    "YIELD",
];

/// Elements of BeerXML that others may have too.
const COMMON: [&str; 31] = [
    "AMOUNT",
    "BETA",
    "BREWER",
    "CATEGORY",
    "COLOR",
    "DATE",
    "EQUIPMENT",
    "EXAMPLES",
    "FORM",
    "IBUS",
    "INGREDIENTS",
    "MISC",
    "NAME",
    "NOTES",
    "ORIGIN",
    "PH",
    "PRODUCT_ID",
    "PROFILE",
    "PROTEIN",
    "STYLE",
    "SUBSTITUTES",
    "SUPPLIER",
    "TIME",
    "TUN_SPECIFIC_HEAT",
    "TUN_VOLUME",
    "TUN_WEIGHT",
    "TYPE",
    "USE",
    "VERSION",
    "WATER",
    "YEAST",
];

/// Elements of BatchML. In capitals and small letters as the schema has them.
const BATCH: [&str; 16] = [
    "MasterRecipe",
    "ControlRecipe",
    "GeneralRecipe",
    "SiteRecipe",
    "RecipeElement",
    "RecipeElementID",
    "RecipeElementType",
    "BatchInformation",
    "BatchParameter",
    "ProcedureLogic",
    "FormulaParameter",
    "ProcessInput",
    "ProcessOutput",
    "ProcessParameter",
    "EquipmentRequirement",
    "UnitProcedure",
];

/// How sure it is that the line is an element of a recipe.
pub(super) fn element(line: &[u8]) -> u32 {
    let inside = line.strip_prefix(b"</").or_else(|| line.strip_prefix(b"<")).unwrap_or(line);
    let inside = inside
        .iter()
        .position(|b| *b == b':')
        .filter(|at| *at < 12 && word(inside).len() == *at)
        .and_then(|at| inside.get(at + 1..))
        .unwrap_or(inside);
    let name = std::str::from_utf8(word(inside)).unwrap_or_default();
    let closed = matches!(inside.get(name.len()), Some(b'>' | b' ' | b'/'));
    if !closed {
        0
    } else if BEER.binary_search(&name).is_ok() || BATCH.contains(&name) {
        SURE
    } else {
        u32::from(COMMON.binary_search(&name).is_ok())
    }
}

/// A table's head with ingredients and amounts, or a step by the words of ISA-88.
pub(super) fn line(line: &[u8]) -> u32 {
    const STEPS: [&str; 6] =
        ["Unit procedure", "Unit Procedure", "Master recipe", "Master Recipe", "Control recipe", "Control Recipe"];
    if STEPS
        .iter()
        .any(|step| line.starts_with(step.as_bytes()) && matches!(line.get(step.len()), Some(b':' | b' ' | b';')))
    {
        return 2;
    }
    if line.len() > 160 || memchr::memchr3(b'|', b';', b'\t', line).is_none() {
        return 0;
    }
    let small = line.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| super::contains(&small, word));
    let stuff = names(&["ingredient", "zutat", "rohstoff", "raw material", "einsatzstoff", "ingrédient"]);
    let amount = names(&["amount", "menge", "quantity", "qty", "kg", "sollwert", "target", "anteil", "quantité"]);
    if stuff && amount { SURE } else { 0 }
}
